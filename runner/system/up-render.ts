import { exampleName } from './example';
import type { UpResult } from './up';

/** What to know and to try next. */
export function renderUp(result: UpResult): string {
  const lines = [
    '',
    `up after ${Math.round(result.seconds)} s`,
    `  door          ${result.door}`,
    `  registry      ${result.registry}`,
    `  job server    ${result.jobs}`,
    `  Prometheus    ${result.prometheus}`,
    `  Alertmanager  ${result.alertmanager}`,
    `  status page   ${result.page}, token in ${result.pageToken}`,
  ];
  if (result.checkout) {
    lines.push(
      `  example       ${result.checkout}`,
      '',
      'next:',
      `  curl -H 'Host: ${exampleName}.localhost' ${result.door}/     or ${result.door}/${exampleName}`,
      `  cd ${result.checkout} && $EDITOR greeting.js && git commit -am 'My change' && git push origin main`,
      '  homeostat releases --stack greeter     what ran, and what can be gone back to',
      '  homeostat rollback --stack greeter     go back one release',
    );
  }
  lines.push(
    '  homeostat status                       what runs',
    '  npm run down                           take it all down',
  );
  return lines.join('\n');
}
