import { definitionOf, highestIndex, labelNames, type LabelName } from '../runner/labels/table';

const prefix = 'com\\.df\\.';

/** Names with an index as far as they take one. */
const namePattern = (name: LabelName) =>
  `${prefix}${name.replaceAll('.', '\\.')}${definitionOf(name).indexed ? `(\\.[1-9][0-9]{0,${String(highestIndex).length - 1}})?` : ''}`;

/** Values hold variables, which are filled in later: such a value is taken as it is. */
const valuePattern = (name: LabelName): string => {
  const { form } = definitionOf(name);
  return form.pattern ? `\\s*(?:${form.pattern})?\\s*$|.*\\$.*$` : '.*$';
};

function describe(name: LabelName): string {
  const { meaning, form, default: fallback, remark } = definitionOf(name);
  return [
    meaning,
    ...(form.name === 'text' ? [] : [`Must be ${form.allowed}.`]),
    ...(fallback ? [`Default: ${fallback}.`] : []),
    ...(remark ? [`It ${remark}.`] : []),
  ].join(' ');
}

const map = {
  type: 'object',
  properties: Object.fromEntries(labelNames.map((name) => [`com.df.${name}`, { $ref: `#/definitions/${name}` }])),
  patternProperties: Object.fromEntries(
    labelNames
      .filter((name) => definitionOf(name).indexed)
      .map((name) => [`^${namePattern(name)}$`, { $ref: `#/definitions/${name}` }]),
  ),
};

const list = {
  type: 'array',
  items: {
    type: 'string',
    anyOf: [
      {
        type: 'string',
        description: 'Any other label',
        pattern: `^(?!(?:${labelNames.map((name) => `${namePattern(name)}`).join('|')})=)`,
      },
      ...labelNames.map((name) => ({
        type: 'string',
        description: describe(name),
        pattern: `^${namePattern(name)}=(?:${valuePattern(name)})`,
      })),
    ],
  },
};

/** JSON schema (draft 7) of the labels in a Compose stack file, for editors; of the rest of the file it says nothing. */
export function labelsJsonSchema(): object {
  const values = labelNames.map((name) => {
    const { example, secret, raw } = definitionOf(name);
    return [
      name,
      {
        description: describe(name),
        ...(secret ? {} : { examples: [example] }),
        type: ['string', 'number', 'boolean', 'null'],
        ...(raw ? {} : { pattern: `^(?:${valuePattern(name)})` }),
      },
    ] as const;
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Labels of services in a stack file',
    type: 'object',
    properties: {
      services: {
        type: 'object',
        additionalProperties: {
          type: ['object', 'null'],
          properties: {
            deploy: { type: ['object', 'null'], properties: { labels: { $ref: '#/definitions/labels' } } },
          },
        },
      },
    },
    definitions: { labels: { oneOf: [map, list, { type: 'null' }] }, ...Object.fromEntries(values) },
  };
}
