import type { Kind } from './kinds.js';
import type { Random } from './random.js';

interface Charset {
  collations: readonly string[];
  /** Characters that it has, with those among them that have been trouble elsewhere. */
  characters: readonly string[];
}

/** One by one, as MySQL counts them. */
const each = (characters: string): string[] => Array.from(characters);

const ascii = [...each('aAbBzZ09 _%\'"\\`;,.-/*#'), '\n', '\t', '\r', '\0', '\x1a', '\x7f', '  '];
const latin = [...ascii, ...each('éÉeßÿ¤€ÄäåÅñ¼½¾×'), 'ss'];
const bmp = [...latin, ...each('ЖжЁё表ソｱ中縗ŁłİıΣσς\u00ad\u200b\ufeff\uffff'), 'e\u0301', 'ﬀ'];
const all = [...bmp, '🙂', '𝒳', '\u{10ffff}', '👩‍👩‍👧'];

/** Also those whose second byte is a backslash (表, ソ, 縗), and letters that collations fold. */
const charsets: Record<string, Charset> = {
  latin1: {
    collations: ['latin1_swedish_ci', 'latin1_general_cs', 'latin1_bin', 'latin1_german2_ci'],
    characters: latin,
  },
  ascii: { collations: ['ascii_general_ci', 'ascii_bin'], characters: ascii },
  ucs2: { collations: ['ucs2_general_ci', 'ucs2_bin'], characters: bmp },
  utf16: { collations: ['utf16_general_ci', 'utf16_bin', 'utf16_unicode_ci'], characters: all },
  utf8mb3: { collations: ['utf8mb3_general_ci', 'utf8mb3_bin'], characters: bmp },
  sjis: {
    collations: ['sjis_japanese_ci', 'sjis_bin'],
    characters: [...ascii.filter((c) => c !== '\\'), ...each('表ソｱ中Жёあア')],
  },
  gbk: { collations: ['gbk_chinese_ci', 'gbk_bin'], characters: [...ascii, ...each('表中縗Жё你')] },
  cp1251: {
    collations: ['cp1251_general_ci', 'cp1251_general_cs', 'cp1251_bin'],
    characters: [...ascii, ...each('ЖжЁёЯя№€')],
  },
  utf8mb4: {
    collations: ['utf8mb4_0900_ai_ci', 'utf8mb4_0900_as_cs', 'utf8mb4_0900_bin', 'utf8mb4_bin', 'utf8mb4_general_ci'],
    characters: all,
  },
};

/** A literal that no session's character set and no `sql_mode` changes. */
export function textLiteral(text: string): string {
  return text === '' ? "''" : `_utf8mb4 X'${Buffer.from(text).toString('hex')}'`;
}

function textOf(random: Random, characters: readonly string[], longest: number): string {
  const length = random.pick([0, 1, 1, 2, 3, random.int(0, longest), longest]);
  return Array.from({ length }, () => random.pick(characters)).join('');
}

/** As many characters as fit: some of the elements are of several. */
function cut(text: string, longest: number): string {
  return each(text).slice(0, longest).join('');
}

function text(random: Random): Kind {
  const charset = random.pick(['utf8mb4', 'utf8mb4', ...Object.keys(charsets)]);
  const { collations, characters } = charsets[charset] ?? { collations: [], characters: [] };
  const length = random.pick([1, 5, 20, 40]);
  const type = random.pick([
    `char(${length})`,
    `varchar(${length})`,
    `varchar(${length})`,
    'tinytext',
    'text',
    'longtext',
  ]);
  const keyed = type.includes('(');
  const longest = keyed ? length : type === 'tinytext' ? 50 : random.pick([100, 100, 2_000]);
  const collation = random.pick(collations);
  return {
    type: `${type} character set ${charset} collate ${collation}`,
    value: (r) => textLiteral(cut(textOf(r, characters, longest), longest)),
    ...(keyed ? { key: true } : { prefix: random.int(1, 10) }),
    ...(keyed
      ? { vindex: collation.endsWith('_ci') && charset.startsWith('utf8') ? 'unicode_loose_xxhash' : 'xxhash' }
      : {}),
  };
}

const noticeable = ['00', '20', '0020', '2000', '5c', '27', 'ff', 'ffff', 'c328', 'e29c', '0a0d', '1a', 'a000'];

function bytes(random: Random): Kind {
  const length = random.pick([1, 4, 16, 40]);
  const type = random.pick([`binary(${length})`, `varbinary(${length})`, 'tinyblob', 'blob', 'mediumblob', 'longblob']);
  const keyed = type.includes('(');
  const longest = keyed ? length : random.pick([100, 100, 255]);
  const any = (r: Random) => r.bytes(r.pick([0, 1, longest, r.int(0, longest)])).toString('hex');
  return {
    type,
    value: (r) => `X'${(r.chance(0.3) ? r.pick(noticeable) : any(r)).slice(0, 2 * longest)}'`,
    ...(keyed ? { key: true, vindex: 'xxhash' } : { prefix: random.int(1, 10) }),
  };
}

export const stringKinds = [text, text, bytes];
