import { expect, test } from 'vitest';
import { tablesNamedIn } from '../../../src/migration/checksum/ddl.js';

const tables = ['session_log', 'order line', 'Report', 'a`b', '表'];

test.each([
  ['truncate table session_log', ['session_log']],
  ['TRUNCATE `vt_load`.`session_log`', ['session_log']],
  ['rename table report to report_old, report_next to report', ['Report']],
  ['alter table `order line` truncate partition p0', ['order line']],
  ['drop table if exists `a``b`, 表', ['a`b', '表']],
  ['alter table other exchange partition p with table SESSION_LOG', ['session_log']],
  ['create table x /*!50100 like session_log */', ['session_log']],
  ['create table x (c varchar(20) default \'session_log\') comment "Report"', []],
  ['create table session_log_2 (id int) -- session_log', []],
  ['create table x (id int) /* Report */ # session_log', []],
  ['create index report_idx on other (report_id)', []],
])('%s names %j', (statement, named) => {
  expect(tablesNamedIn(statement, tables)).toEqual(named);
});
