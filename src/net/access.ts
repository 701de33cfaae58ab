/** Credentials for one kind of server of a cluster: its etcd, its tablets or its vtgate. Empty: plain text, no user. */
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

/** Credentials for the servers that every cluster has. */
export interface ClusterAccess {
  etcd: Access;
  tablets: Access;
}
