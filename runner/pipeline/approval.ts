import { fail } from '../common/errors';
import type { Config } from './config';

/**
 * Holds a deploy until a person has approved it.
 * @throws APPROVAL_NEEDED
 */
export function requireApproval(
  { name, deploy }: Pick<Config, 'name' | 'deploy'>,
  approvedBy: string | undefined,
): void {
  if (deploy.approval && !approvedBy)
    fail('APPROVAL_NEEDED', `the deploy of ${name} needs the approval of a person`, {
      cause: 'deploy.approval is true in homeostat.yml',
    });
}
