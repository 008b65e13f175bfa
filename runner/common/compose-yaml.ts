/** Options by which YAML is read as the docker client reads stack files: 0400 is octal. */
export const composeYaml = { version: '1.1' } as const;
