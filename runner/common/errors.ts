import { errorTable, type ErrorCode, type ExitCode } from './error-table';
import { printable } from './log';

export interface ErrorDetails {
  /** What made it fail, in the words of whoever said so. */
  cause?: string;
  /** What to do, when something better than the table's remedy is known. */
  remedy?: string;
  /** Lines of proof: log lines, task errors, all problems of a file. */
  evidence?: string[];
  /** Machine-readable facts for the result file. */
  data?: Record<string, unknown>;
}

/** An error a person can act on: a code of the table, what failed, why, and what to do. */
export class HomeostatError extends Error {
  readonly exit: ExitCode;
  readonly remedy: string;
  readonly causeText: string | undefined;
  readonly evidence: string[];
  readonly data: Record<string, unknown>;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message);
    this.name = 'HomeostatError';
    this.exit = errorTable[code].exit;
    this.remedy = details.remedy ?? errorTable[code].remedy;
    this.causeText = details.cause;
    this.evidence = details.evidence ?? [];
    this.data = details.data ?? {};
  }
}

/** Throws the error with that code of the table. */
export function fail(code: ErrorCode, message: string, details?: ErrorDetails): never {
  throw new HomeostatError(code, message, details);
}

/** The error as it is; anything unforeseen becomes INTERNAL. */
export function toHomeostatError(error: unknown): HomeostatError {
  if (error instanceof HomeostatError) return error;
  const wrapped = new HomeostatError('INTERNAL', messageOf(error));
  if (error instanceof Error && error.stack) wrapped.stack = error.stack;
  return wrapped;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** What the result file and --json say of an error. */
export function errorDocument(error: HomeostatError) {
  return {
    error: {
      code: error.code,
      exitCode: error.exit,
      message: error.message,
      ...(error.causeText ? { cause: error.causeText } : {}),
      remedy: error.remedy,
      ...(error.evidence.length > 0 ? { evidence: error.evidence.map(printable) } : {}),
      ...error.data,
    },
  };
}

/** The error as a person reads it on a terminal. */
export function renderError(error: HomeostatError): string {
  const lines = [`error ${error.code}: ${error.message}`];
  if (error.causeText) lines.push(`  cause: ${error.causeText}`);
  for (const line of error.evidence) lines.push(`  | ${line}`);
  lines.push(`  remedy: ${error.remedy}`);
  // What others said may have more lines: they are set in, so that none can pass for one of ours.
  return lines.map((line) => printable(line).replaceAll('\n', '\n    ')).join('\n');
}
