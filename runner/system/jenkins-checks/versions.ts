/** The numbers with which a version begins: of `2.2277.v00573e73ddf1` these are 2 and 2277. */
export function leadingNumbers(version: string): number[] {
  const numbers: number[] = [];
  for (const part of version.split('.')) {
    const [digits, rest] = [/^\d+/.exec(part)?.[0], part.replace(/^\d+/, '')];
    if (digits === undefined) break;
    numbers.push(Number(digits));
    if (rest !== '') break;
  }
  return numbers;
}

/** Whether a version is as new as another, by the numbers with which they begin. */
export function reaches(version: string, wanted: string): boolean {
  const [has, needs] = [leadingNumbers(version), leadingNumbers(wanted)];
  for (const [index, need] of needs.entries()) if (has[index] !== need) return (has[index] ?? 0) > need;
  return true;
}
