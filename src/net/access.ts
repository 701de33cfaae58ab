/** How one end of a cluster (its etcd, its tablets, its vtgate) lets a client in. Empty: plain text, nobody in particular. */
export interface Access {
  tls?: Tls;
  user?: string;
  password?: string;
}

/** PEM contents. With a certificate and its key it is mutual TLS. */
export interface Tls {
  ca: Buffer;
  cert?: Buffer;
  key?: Buffer;
  /** The name the server's certificate is for, where that is not the address. */
  serverName?: string;
}

/** The two ends every cluster has. */
export interface ClusterAccess {
  etcd: Access;
  tablets: Access;
}
