# A system as small as they come: what nixos-container wants of a flake, without nixpkgs, and so without any network.
{
  outputs =
    { self }:
    let
      # Of a module it knows `environment.etc.<name>.text` alone.
      etc = module: (import module { }).environment.etc;
      copied = module: map (name: "/bin/cp ${builtins.toFile name (etc module).${name}.text} $out/etc/${name}; ") (builtins.attrNames (etc module));
      system = modules: {
        config.system.build.toplevel = derivation {
          name = "nixos-system";
          system = builtins.readFile ./system;
          builder = "/bin/sh";
          args = [ "-c" "/bin/mkdir $out; /bin/cp -r ${./etc} $out/etc; /bin/chmod -R u+w $out/etc; ${toString (builtins.concatMap copied modules)} /bin/cp ${./init} $out/init; /bin/chmod 555 $out/init; echo $system > $out/system" ];
        };
        extendModules = { modules }: system modules;
      };
    in
    {
      nixosConfigurations.default = system [ ];
    };
}
