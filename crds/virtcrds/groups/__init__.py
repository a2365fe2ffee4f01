"""The other API groups: pools, snapshots, exports, clones, instancetypes, policies, backups."""
