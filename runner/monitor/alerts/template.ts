import { literal } from './quote';

/** Functions of Prometheus' templates and of Go's own (https://prometheus.io/docs/prometheus/2.53/configuration/template_reference/). */
const functions = new Set(
  'query first label value sortByLabel strvalue args reReplaceAll match title toUpper toLower graphLink tableLink'
    .concat(' externalURL pathPrefix parseDuration humanize humanize1024 humanizeDuration humanizePercentage')
    .concat(' humanizeTimestamp stripPort stripDomain safeHtml and or not len index slice print printf println html js')
    .concat(' urlquery eq ne lt le gt ge')
    .split(' '),
);

/** Deepest nesting of blocks and parentheses; more is no message. */
const deepest = 20;

/**
 * A text as a template of Prometheus that parses: what Prometheus can fill in stays, and where that cannot be said for
 * sure, all of it is literal text.
 */
export function safeTemplate(text: string): { text: string; problem?: string } {
  if (!text.includes('{{')) return { text };
  const problem = problemOfTemplate(text);
  return problem === undefined ? { text } : { text: literal(text), problem };
}

/** Why a text is no template of Prometheus that is understood here. */
function problemOfTemplate(text: string): string | undefined {
  const blocks: ('if' | 'else' | 'range' | 'with')[] = [];
  for (let at = text.indexOf('{{'); at !== -1; at = text.indexOf('{{', at)) {
    const tokens = tokenize(text, at + 2);
    if ('problem' in tokens) return tokens.problem;
    const problem = problemOfAction(tokens.tokens, blocks);
    if (problem) return problem;
    at = tokens.end;
  }
  return blocks.length > 0 ? `'${blocks.at(-1)}' has no end` : undefined;
}

interface Token {
  kind: 'string' | 'number' | 'variable' | 'field' | 'word' | 'sign';
  text: string;
}

const shapes: [Token['kind'], RegExp][] = [
  ['string', /"(?:[^"\\\n]|\\["\\abfnrtv])*"|`[^`]*`/y],
  ['number', /[+-]?\d{1,15}(?:\.\d{1,15})?(?![\w.])/y],
  ['variable', /\$(?:[A-Za-z_]\w*)?(?:\.[A-Za-z_]\w*)*/y],
  ['field', /(?:\.[A-Za-z_]\w*)+|\.(?![\w.])/y],
  ['word', /[A-Za-z_]\w*/y],
  ['sign', /[|()]/y],
];

/** The words of an action, from behind its `{{` to behind its `}}`. */
function tokenize(text: string, start: number): { tokens: Token[]; end: number } | { problem: string } {
  const tokens: Token[] = [];
  let at = /^-\s/.test(text.slice(start, start + 2)) ? start + 2 : start;
  let blank = true;
  for (;;) {
    const space = /\s*/y;
    space.lastIndex = at;
    const skipped = space.exec(text)![0].length;
    blank ||= skipped > 0;
    at += skipped;
    if (skipped > 0 && text.startsWith('-}}', at)) return { tokens, end: at + 3 };
    if (text.startsWith('}}', at)) return { tokens, end: at + 2 };
    const token = tokenAt(text, at);
    if (!token) return { problem: `'${text.slice(at, at + 20)}' is not understood in '{{ }}'` };
    if (!blank && token.kind !== 'sign' && tokens.at(-1)?.kind !== 'sign')
      return { problem: `a blank is missing before '${token.text.slice(0, 20)}'` };
    tokens.push(token);
    at += token.text.length;
    blank = false;
  }
}

function tokenAt(text: string, at: number): Token | undefined {
  for (const [kind, shape] of shapes) {
    shape.lastIndex = at;
    const found = shape.exec(text)?.[0];
    if (found !== undefined) return { kind, text: found };
  }
  return undefined;
}

function problemOfAction(tokens: Token[], blocks: ('if' | 'else' | 'range' | 'with')[]): string | undefined {
  const [first, second] = tokens;
  if (!first) return "'{{ }}' is empty";
  const last = blocks.at(-1);
  if (first.kind === 'word')
    switch (first.text) {
      case 'end':
        if (tokens.length > 1 || last === undefined) return "'end' ends nothing";
        blocks.pop();
        return undefined;
      case 'else':
        if (last === undefined || last === 'else') return "'else' belongs to nothing";
        if (tokens.length === 1) {
          blocks[blocks.length - 1] = 'else';
          return undefined;
        }
        return second!.text === 'if' && last === 'if' ? problemOfPipeline(tokens.slice(2)) : "'else' has more to it";
      case 'if':
      case 'range':
      case 'with':
        if (blocks.length >= deepest) return 'it is nested too deeply';
        blocks.push(first.text);
        return problemOfPipeline(tokens.slice(1));
    }
  return problemOfPipeline(tokens);
}

const variables = /^\$(?:value|externalURL|(?:labels|externalLabels)(?:\.\w+)?)?$/;

function problemOfPipeline(tokens: Token[]): string | undefined {
  let depth = 0;
  /** Words of the command so far; one stack entry for each parenthesis. */
  const counts = [0];
  const stages = [0];
  for (const [index, { kind, text }] of tokens.entries()) {
    if (text === '(' && kind === 'sign') {
      if (++depth > deepest) return 'it is nested too deeply';
      counts.push(0);
      stages.push(0);
    } else if (text === ')' && kind === 'sign') {
      if (depth-- === 0 || counts.pop() === 0) return "')' stands alone";
      stages.pop();
      counts[counts.length - 1]!++;
      if (tokens[index + 1]?.kind === 'field') return 'a field of what stands in parentheses is not understood';
    } else if (text === '|' && kind === 'sign') {
      if (counts.at(-1) === 0) return "'|' has nothing before it";
      counts[counts.length - 1] = 0;
      stages[stages.length - 1]!++;
    } else {
      const known =
        kind === 'word'
          ? functions.has(text) || /^(?:true|false)$/.test(text)
          : kind !== 'variable' || variables.test(text);
      if (!known) return `'${text.slice(0, 40)}' is not known`;
      // What is piped into must be something that takes arguments.
      if (stages.at(-1)! > 0 && counts.at(-1) === 0 && !(kind === 'word' && functions.has(text)))
        return `'|' leads to '${text.slice(0, 40)}', which is no function`;
      counts[counts.length - 1]!++;
    }
  }
  if (depth > 0) return "')' is missing";
  return counts[0] === 0 ? 'it ends too early' : undefined;
}
