/** What a mount record says: Vitess's TopoConfig. Written by anybody, so any topology type may be in it. */
export interface MountConfig {
  topoType: string;
  topoServer: string;
  topoRoot: string;
}
