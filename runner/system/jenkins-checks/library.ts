import { failed, ok, warning, type Finding } from '../checks/check';
import type { Inside } from './administrator';
import type { JenkinsFacts } from './facts';

const place = 'Manage Jenkins → System → Global Trusted Pipeline Libraries';

export function judgeLibrary(libraries: NonNullable<Inside['libraries']>, { library }: JenkinsFacts): Finding {
  const found = libraries.find(({ name }) => name === library);
  const others = libraries.map(({ name }) => name).join(', ') || 'none';
  if (!found)
    return failed(
      `there is no global library '${library}' (there are: ${others})`,
      `Add '${library}' in ${place}, with the address of its repository; or name another one with --library.`,
    );
  if (!found.version)
    return failed(`'${library}' has no default version`, `Enter one in ${place}: a tag, a branch or a commit.`);
  if (!found.url) return warning(`'${library}' ${found.version}, from no git repository`, `Look at it in ${place}.`);
  return ok(`'${library}' ${found.version} from ${found.url}`);
}
