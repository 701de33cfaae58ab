/** A column as `information_schema.columns` has it. */
export interface ColumnFacts {
  name: string;
  type: string;
  nullable: boolean;
  hasDefault: boolean;
  collation: string;
  generated: boolean;
  autoIncrement: boolean;
}

export interface KeyFacts {
  name: string;
  columns: string[];
  /** Every column is NOT NULL, so that the key tells any two rows apart. */
  notNull: boolean;
}

export interface ForeignKeyFacts {
  name: string;
  references: string;
  /** RESTRICT, CASCADE, SET NULL, NO ACTION, SET DEFAULT */
  onUpdate: string;
  onDelete: string;
}

/** A constraint whose name may be given once in a database. */
export interface ConstraintFacts {
  table: string;
  name: string;
  type: 'CHECK' | 'FOREIGN KEY';
}

/** A table as MySQL describes it, without its rows. */
export interface TableFacts {
  name: string;
  engine: string;
  columns: ColumnFacts[];
  uniqueKeys: KeyFacts[];
  foreignKeys: ForeignKeyFacts[];
  triggers: string[];
}
