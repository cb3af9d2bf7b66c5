# hyperhive as a service of NixOS, with the settings of hyperhive/install/hyperhive.service: a test compares them.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.hyperhive;
  toml = pkgs.formats.toml { };
in
{
  options.services.hyperhive = {
    enable = lib.mkEnableOption "hyperhive, a daemon that keeps a hive of coding agents";
    package = lib.mkOption {
      type = lib.types.package;
      description = "A Python environment with hyperhive in it: bin/twistd, bin/hivectl and bin/hive-agent.";
    };
    settings = lib.mkOption {
      type = toml.type;
      default = { };
      example = {
        poll_interval = 5;
        mail.max_inbox = 1000;
      };
      description = "The settings of docs/configuration.md.";
    };
    operators = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      description = "Users who operate the hive beside root: the members of the group hyperhive.";
    };
  };

  config = lib.mkIf cfg.enable {
    users.groups.hyperhive.members = cfg.operators;
    environment.systemPackages = [ cfg.package ];
    # The bridge of agents with the network `nat`; it is there once networkd is (`systemd.network.enable`).
    systemd.network.networks."70-hyperhive" = {
      matchConfig.Name = "vz-hive";
      linkConfig.RequiredForOnline = "no";
      networkConfig = {
        Address = "10.215.0.1/16";
        IPMasquerade = "ipv4";
        ConfigureWithoutCarrier = true;
        LinkLocalAddressing = "no";
        IPv6AcceptRA = false;
      };
    };
    # Where nixos-container keeps what it makes: the service can write there if they are there when it starts.
    systemd.tmpfiles.rules = [
      "d /etc/nixos-containers 0755"
      "d /var/lib/nixos-containers 0700"
    ];
    systemd.services.hyperhive = {
      description = "Hive of coding agents";
      documentation = [ "man:hyperhive(8)" "man:hyperhive.toml(5)" "man:hivectl(1)" ];
      after = [
        "network.target"
        "dbus.service"
        "systemd-machined.service"
      ];
      wantedBy = [ "multi-user.target" ];
      startLimitIntervalSec = 60;
      startLimitBurst = 5;
      path = [
        pkgs.btrfs-progs
        pkgs.git
        pkgs.iproute2
        pkgs.nftables
        pkgs.nixos-container
        pkgs.util-linux
        config.nix.package
      ];
      # The store is read-only for the service: nix is to ask its own daemon.
      environment.NIX_REMOTE = "daemon";
      serviceConfig = {
        Type = "notify";
        ExecStart = "${cfg.package}/bin/twistd -n --pidfile= hyperhive --config ${toml.generate "hyperhive.toml" cfg.settings}";
        WatchdogSec = 120;
        Restart = "on-failure";
        RestartSec = 2;
        KillMode = "process";
        OOMPolicy = "continue";
        LimitNOFILE = 65536;
        UMask = "0077";
        StateDirectory = "hyperhive";
        StateDirectoryMode = "0700";
        RuntimeDirectory = "hyperhive hyperhive-machines";
        RuntimeDirectoryMode = "0710";
        RuntimeDirectoryPreserve = "yes";
        CapabilityBoundingSet = [
          "CAP_CHOWN"
          "CAP_DAC_OVERRIDE"
          "CAP_DAC_READ_SEARCH"
          "CAP_FOWNER"
          "CAP_FSETID"
          "CAP_KILL"
          "CAP_SETFCAP"
          "CAP_NET_ADMIN"
          "CAP_SYS_ADMIN"
          "CAP_SYS_CHROOT"
          "CAP_SYS_PTRACE"
        ];
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ReadWritePaths = [
          "-/etc/nixos-containers"
          "-/var/lib/nixos-containers"
          "/run/systemd/system"
        ];
        ProtectHome = "read-only";
        PrivateDevices = true;
        PrivateTmp = true;
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        RestrictAddressFamilies = [
          "AF_UNIX"
          "AF_INET"
          "AF_INET6"
          "AF_NETLINK"
        ];
        RestrictNamespaces = "~user";
        RestrictRealtime = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = [ "~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap" ];
        SystemCallErrorNumber = "EPERM";
      };
    };
  };
}
