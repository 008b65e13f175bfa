// eslint-disable-next-line no-control-regex -- what cannot be in one word of one line
const unwritable = /[\u0000-\u001f\u007f]/;

/** Whether a text has a line break or another control character: nothing of that kind is ever written. */
export const hasControlCharacter = (text: string): boolean => unwritable.test(text);
