/** Where Docker puts the secrets of a container; a name is that of a file there. */
const folder = '/run/secrets';

/**
 * A value that Jenkins reads from a secret when it starts. In the configuration only these are ever interpolated: every
 * other text is what it is.
 */
export class SecretValue {
  private constructor(readonly reference: string) {}

  /** The text of the secret, without the end of its line. */
  static line(name: string): SecretValue {
    return new SecretValue(`\${${checked(name)}}`);
  }

  /** The text of the secret to the last byte, as a key wants it. */
  static file(name: string): SecretValue {
    return new SecretValue(`\${readFile:${folder}/${checked(name)}}`);
  }
}

/** A name with other characters could end the reference, or begin another. */
function checked(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new Error(`${JSON.stringify(name)} cannot name a secret`);
  return name;
}
