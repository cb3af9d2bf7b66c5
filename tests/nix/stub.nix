# As little of nixpkgs as the module needs: options are kept as they are declared, packages are names.
{ settings, operators }:
let
  lib = {
    mkEnableOption = description: { inherit description; };
    mkOption = option: option;
    mkIf = condition: content: if condition then content else { };
    types = {
      package = "package";
      str = "str";
      listOf = kind: "list of ${kind}";
    };
  };
  pkgs = {
    formats.toml = _: {
      type = "toml";
      generate = name: content: "/nix/store/of/${name}?${builtins.toJSON content}";
    };
    btrfs-progs = "btrfs-progs";
    git = "git";
    iproute2 = "iproute2";
    nftables = "nftables";
    nixos-container = "nixos-container";
    util-linux = "util-linux";
  };
  evaluated =
    enable:
    import ../../nix/module.nix {
      inherit lib pkgs;
      config = {
        nix.package = "nix";
        services.hyperhive = {
          inherit enable settings operators;
          package = "/nix/store/of/hyperhive";
        };
      };
    };
in
{
  on = (evaluated true).config;
  off = (evaluated false).config;
  options = (evaluated true).options.services.hyperhive;
  modules = builtins.attrNames ((import ../../nix/flake.nix).outputs { self = null; }).nixosModules;
}
