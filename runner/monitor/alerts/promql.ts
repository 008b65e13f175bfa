import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { nearest } from '../../common/suggest';
import { promqlAggregations, promqlFunctions, type ValueType } from './promql-functions';
import { matchesEmpty, problemOfRe2, promDuration, readString } from './promql-text';

/** Longest expression; labels are shorter, so only what shortcuts make of them could come near. */
const longest = 20_000;

/** Longest time in a range, in milliseconds. */
const longestRange = 3660 * 86_400_000;

/**
 * Why a text is no expression that an alert can have; undefined where it is one. Functions, arguments and their types are
 * checked by what Prometheus 2.42 knows. What metrics there are is not looked at.
 */
export function problemOfPromql(expression: string): string | undefined {
  if (expression.trim() === '') return 'is empty';
  if (expression.length > longest) return `has more than ${longest} characters`;
  const tree = parser.parse(expression);
  const problems: { at: number; message: string }[] = [];
  const tell = (node: SyntaxNode, message: string) => problems.push({ at: node.from, message });
  tree.iterate({
    enter: ({ node, type }) => {
      if (type.isError) tell(node, syntaxError(expression, node.from));
    },
  });
  if (problems.length === 0) {
    const type = new Checker(expression, tell).typeOf(tree.topNode);
    if (type === 'string' || type === 'matrix')
      tell(tree.topNode, `gives a ${type === 'matrix' ? 'range vector' : 'string'}; an alert needs an instant vector`);
  }
  const [first] = problems.sort((a, b) => a.at - b.at);
  return first && `${first.message} (at ${placeIn(expression, first.at)})`;
}

function syntaxError(expression: string, at: number): string {
  const rest = expression.slice(at).trim();
  const [name] = /[A-Za-z_]\w*\s*$/.exec(expression.slice(0, at)) ?? [];
  if (rest.startsWith('(') && name) return unknownFunction(name.trim());
  return rest === '' ? 'does not parse: it ends too early' : `does not parse near '${rest.slice(0, 30)}'`;
}

function unknownFunction(name: string): string {
  const match = nearest(name, [...promqlFunctions.keys(), ...promqlAggregations.keys()]);
  return `function '${name.slice(0, 60)}' is not known${match ? ` (did you mean '${match}'?)` : ''}`;
}

function placeIn(expression: string, at: number): string {
  const before = expression.slice(0, at).split('\n');
  const character = `character ${before.at(-1)!.length + 1}`;
  return before.length === 1 ? character : `line ${before.length}, ${character}`;
}

/** What the grammar knows and Prometheus 2.42 or 2.53 does not. */
const newer = new Set([
  'QuotedLabelName',
  'QuotedLabelMatcher',
  'Anchored',
  'Smoothed',
  'FillModifier',
  'DurationStep',
  'DurationRange',
  'DurationMinOf',
  'DurationMaxOf',
]);

const setOperators = new Set(['And', 'Or', 'Unless']);
const comparisons = new Set(['Eql', 'Neq', 'Lss', 'Gtr', 'Lte', 'Gte']);
const modifiers = new Set(['OffsetExpr', 'StepInvariantExpr']);
const selected = new Set(['VectorSelector', 'MatrixSelector', 'SubqueryExpr']);
const inner = new Set(['PromQL', 'ParenExpr', 'StepInvariantExpr', 'OffsetExpr', 'UnaryExpr']);
const expressions = new Set([
  ...['AggregateExpr', 'BinaryExpr', 'FunctionCall', 'MatrixSelector', 'NumberDurationLiteral', 'OffsetExpr'],
  ...['ParenExpr', 'StringLiteral', 'SubqueryExpr', 'UnaryExpr', 'VectorSelector', 'StepInvariantExpr'],
  ...['AnchoredExpr', 'SmoothedExpr'],
]);

const names: Record<ValueType, string> = {
  scalar: 'a number',
  string: 'a string',
  vector: 'an instant vector',
  matrix: 'a range vector, such as x[5m]',
};

class Checker {
  constructor(
    private readonly text: string,
    private readonly tell: (node: SyntaxNode, message: string) => void,
  ) {}

  /** The type of what a node gives; undefined where that was told as a problem already. */
  typeOf(node: SyntaxNode): ValueType | undefined {
    if (newer.has(node.name)) this.tooNew(node);
    if (inner.has(node.name)) return this.innerType(node);
    switch (node.name) {
      case 'BinaryExpr':
        return this.binary(node);
      case 'AggregateExpr':
        return this.aggregate(node);
      case 'FunctionCall':
        return this.call(node);
      case 'VectorSelector':
        this.selector(node);
        return 'vector';
      case 'MatrixSelector':
        if (childrenOf(node)[0]!.name !== 'VectorSelector')
          this.tell(node, 'a range such as [5m] is for selectors only');
        this.wants(childrenOf(node)[0]!, ['vector'], 'what stands before [ ]');
        this.durations(node);
        return 'matrix';
      case 'SubqueryExpr':
        if (holdsForMore(node)) this.tell(node, 'a subquery of more than a selector needs parentheses');
        this.wants(childrenOf(node)[0]!, ['vector'], 'what stands before [ : ]');
        this.durations(node);
        return 'matrix';
      case 'NumberDurationLiteral':
        if (
          !/^[+-]?\s*(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[nN][aA][nN]|[iI][nN][fF])$/.test(
            this.of(node),
          )
        )
          this.tell(node, `'${this.of(node)}' is no number`);
        return 'scalar';
      case 'StringLiteral':
        this.string(node);
        return 'string';
      default:
        this.tooNew(node);
        return undefined;
    }
  }

  private of = (node: SyntaxNode) => this.text.slice(node.from, node.to);

  private tooNew(node: SyntaxNode): void {
    this.tell(node, `'${this.of(node).slice(0, 40)}' is not known to Prometheus 2.42 or 2.53`);
  }

  private innerType(node: SyntaxNode): ValueType | undefined {
    const type = this.typeOf(childrenOf(node)[0]!);
    if (node.name === 'OffsetExpr') this.durations(node);
    if (modifiers.has(node.name)) this.modifier(node);
    if (node.name === 'UnaryExpr' && (type === 'string' || type === 'matrix'))
      this.tell(node, `a sign is for numbers and instant vectors, not for ${names[type]}`);
    return type;
  }

  /** `offset` and `@` stand behind what is selected, each once. */
  private modifier(node: SyntaxNode): void {
    const word = node.name === 'OffsetExpr' ? 'offset' : '@';
    let at = childrenOf(node)[0]!;
    // The grammar lets them hold for all that stands before; Prometheus takes them for the last selector of it.
    while (at.name === 'UnaryExpr' || at.name === 'BinaryExpr' || modifiers.has(at.name)) {
      if (at.name === node.name) this.tell(node, `'${word}' stands twice`);
      at = childrenOf(at).at(at.name === 'BinaryExpr' ? -1 : 0)!;
    }
    if (!selected.has(at.name)) this.tell(node, `'${word}' is for selectors and subqueries only`);
  }

  private wants(node: SyntaxNode, types: ValueType[], what: string): ValueType | undefined {
    const type = this.typeOf(node);
    if (type !== undefined && !types.includes(type))
      this.tell(node, `${what} must be ${types.map((each) => names[each]).join(' or ')}, not ${names[type]}`);
    return type;
  }

  private binary(node: SyntaxNode): ValueType | undefined {
    const sides = childrenOf(node);
    const types = sides.map((side) => this.wants(side, ['scalar', 'vector'], 'each side of an operator'));
    const operator = children(node).find(({ name }) => setOperators.has(name) || comparisons.has(name));
    for (const child of children(node)) if (child.name === 'FillModifier') this.tooNew(child);
    if (node.getChild('MatchingModifierClause') && types.includes('scalar'))
      this.tell(node, 'on and ignoring are for instant vectors only');
    const numbers = types.every((type) => type === 'scalar');
    if (operator && setOperators.has(operator.name) && types.includes('scalar'))
      this.tell(operator, `'${this.of(operator)}' is for instant vectors only`);
    if (operator && comparisons.has(operator.name) && numbers && !node.getChild('BoolModifier'))
      this.tell(operator, 'a comparison of two numbers needs bool');
    return numbers ? 'scalar' : 'vector';
  }

  private aggregate(node: SyntaxNode): ValueType {
    const operation = this.of(node.getChild('AggregateOp')!).toLowerCase();
    const values = childrenOf(node.getChild('FunctionCallBody')!);
    if (!promqlAggregations.has(operation)) {
      this.tooNew(node.getChild('AggregateOp')!);
      return 'vector';
    }
    const parameter = promqlAggregations.get(operation);
    const wanted: ValueType[] = parameter === undefined ? ['vector'] : [parameter, 'vector'];
    this.values(node, operation, values, wanted, wanted.length, wanted.length);
    return 'vector';
  }

  private call(node: SyntaxNode): ValueType | undefined {
    const written = node.getChild('FunctionIdentifier') ?? children(node)[0]!;
    const name = this.of(written);
    const form = promqlFunctions.get(name);
    if (!form) {
      this.tell(written, unknownFunction(name));
      return undefined;
    }
    const { types, required, repeated, gives } = form;
    const values = childrenOf(node.getChild('FunctionCallBody')!);
    this.values(node, name, values, types, required, repeated ? Infinity : types.length);
    return gives;
  }

  private values(
    node: SyntaxNode,
    name: string,
    values: SyntaxNode[],
    types: ValueType[],
    least: number,
    most: number,
  ): void {
    if (values.length < least || values.length > most) {
      const allowed = most === Infinity ? `at least ${least}` : least === most ? `${least}` : `${least} to ${most}`;
      this.tell(node, `${name} takes ${allowed} argument${allowed === '1' ? '' : 's'}, not ${values.length}`);
    }
    values.forEach((value, index) =>
      this.wants(value, [types[index] ?? types.at(-1) ?? 'vector'], `argument ${index + 1} of ${name}`),
    );
  }

  private selector(node: SyntaxNode): void {
    const named = node.getChild('Identifier') ?? node.getChild('MetricName');
    const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
    for (const child of children(node.getChild('LabelMatchers') ?? node)) if (newer.has(child.name)) this.tooNew(child);
    let full = named !== null;
    for (const matcher of matchers) {
      const label = this.of(matcher.getChild('LabelName')!);
      const operator = this.of(matcher.getChild('MatchOp')!);
      const value = this.string(matcher.getChild('StringLiteral')!);
      if (label === '__name__' && named) this.tell(matcher, 'the metric is named twice');
      if (value === undefined) continue;
      const problem = operator.includes('~') ? problemOfRe2(value) : undefined;
      if (problem) this.tell(matcher, `'${value.slice(0, 60)}' is no regular expression: ${problem}`);
      const empty = operator.includes('~') ? matchesEmpty(value) : value === '';
      if (operator.startsWith('!') ? empty : !empty) full = true;
    }
    if (!full) this.tell(node, 'a selector needs a metric, or a matcher that does not match the empty text');
  }

  private string(node: SyntaxNode): string | undefined {
    const read = readString(this.of(node));
    if ('value' in read) return read.value;
    this.tell(node, read.problem);
    return undefined;
  }

  private durations(node: SyntaxNode): void {
    for (const child of children(node)) {
      if (child.name !== 'DurationExpr' && child.name !== 'OffsetDurationExpr') continue;
      const written = this.of(child)
        .trim()
        .replace(child.name === 'DurationExpr' ? '' : /^[+-]\s*/, '');
      const duration = promDuration(written);
      if (duration === undefined)
        this.tell(child, `'${written.slice(0, 40)}' is no time as Prometheus writes it, such as 5m`);
      else if (duration > longestRange) this.tell(child, `'${written}' is longer than ten years`);
      else if (duration === 0 && child.name === 'DurationExpr') this.tell(child, 'a range of no length');
    }
  }
}

/** Whether the grammar lets `[5m:1m]` hold for all that stands before; Prometheus does not. */
function holdsForMore(subquery: SyntaxNode): boolean {
  let at = childrenOf(subquery)[0]!;
  while (modifiers.has(at.name)) at = childrenOf(at)[0]!;
  return at.name === 'BinaryExpr' || at.name === 'UnaryExpr';
}

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child);
  return found;
}

const childrenOf = (node: SyntaxNode) => children(node).filter(({ name }) => expressions.has(name));
