const path = /^(?:job\/[^/?#]+\/)+\d{1,9}$/;

/** The path of a build below its Jenkins, from BUILD_URL; undefined where it is none. */
export function buildPathOf(buildUrl: string | undefined): string | undefined {
  const found = /(?<=\/)job\/.+$/.exec(buildUrl ?? '')?.[0].replace(/\/$/, '');
  return found !== undefined && isBuildPath(found) ? found : undefined;
}

/** `job/<name>/<number>`, in folders as well; nothing that could lead elsewhere. */
export const isBuildPath = (text: string): boolean =>
  path.test(text) && !text.split('/').some((part) => /^(?:\.|%2e){1,2}$/i.test(part) || /%2f/i.test(part));

/** The id that the step `approval` gives to the input of a question: Jenkins makes a first letter a capital. */
export const inputId = (question: string): string => `Approval-${question}`;
