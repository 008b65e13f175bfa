import t from 'tap';
import { pauseAfter } from '../../runner/controller/follow-tasks';

t.test('looks take a hundredth of the time at most, and come each second where they are cheap', (t) => {
  t.equal(pauseAfter(1), 1000);
  t.equal(pauseAfter(30), 3000);
  t.equal(pauseAfter(5000), 10_000);
  t.end();
});
