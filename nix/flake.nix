{
  description = "hyperhive, a daemon that keeps a hive of coding agents";

  outputs =
    { self }:
    {
      nixosModules.default = import ./module.nix;
    };
}
