import fc from 'fast-check';
import t from 'tap';
import { decisionText, refusalOf, ways, type Answer, type Question } from '../../runner/people/question';
import { decidersOf, namesOf, peopleSettings } from '../../runner/people/settings';
import { holds } from '../common/support';
import { limitDraft } from './support';

const now = Date.parse('2026-01-01T12:00:00Z');
const question = (more: Partial<Question> = {}): Question => {
  const { expiresIn: _, ...draft } = limitDraft('shop_web');
  return {
    ...draft,
    id: 'q-2345678',
    evidence: [],
    createdAt: new Date(now - 1000).toISOString(),
    expiresAt: new Date(now + 60_000).toISOString(),
    deciders: [],
    selfApproval: false,
    guard: {},
    ...more,
  };
};
const answer = (more: Partial<Answer> = {}): Answer => ({ choice: 'scale', by: 'ada', via: 'slack', ...more });

t.test('an answer that is none of the choices is refused with those that there are', async (t) => {
  t.equal(
    refusalOf(question(), answer({ choice: 'delete' }), now),
    "'delete' is no answer to q-2345678; there are scale, hold, ignore",
  );
});

t.test('a choice that offers no standing rule cannot become one', async (t) => {
  t.match(refusalOf(question(), answer({ choice: 'hold', standing: true }), now), /cannot become a standing rule/);
  t.equal(refusalOf(question(), answer({ standing: true }), now), undefined);
});

t.test('nobody answers after the expiry, and the expiry not before it', async (t) => {
  const end = now + 60_000;
  t.match(refusalOf(question(), answer(), end), /expired at 2026-01-01T12:01:00/);
  t.equal(refusalOf(question(), answer(), end - 1), undefined);
  const expiry = answer({ choice: 'ignore', by: 'nobody', via: 'expiry' });
  t.match(refusalOf(question(), expiry, end - 1), /has not expired yet/);
  t.equal(refusalOf(question(), expiry, end), undefined);
});

t.test('who is not among the deciders is refused, by whatever way he comes', async (t) => {
  for (const via of ways.filter((each) => each !== 'expiry'))
    t.equal(
      refusalOf(question({ deciders: ['grace', 'ops'] }), answer({ via }), now),
      'ada may not decide this; grace, ops may',
      via,
    );
  t.equal(refusalOf(question({ deciders: ['ops'] }), answer({ alsoKnownAs: ['U1', 'ops'] }), now), undefined);
});

t.test('who asked does not decide, unless that is allowed', async (t) => {
  t.match(refusalOf(question({ askedBy: 'ada' }), answer(), now), /ada asked for this/);
  t.match(refusalOf(question({ askedBy: 'U1' }), answer({ alsoKnownAs: ['U1'] }), now), /asked for this/);
  t.equal(refusalOf(question({ askedBy: 'ada', selfApproval: true }), answer(), now), undefined);
});

t.test('whatever comes, only a named decider gets in', async (t) => {
  const name = fc.constantFrom('ada', 'grace', 'ops', 'Ada', '', 'ada ', '__proto__', 'constructor');
  await holds(
    t,
    fc.property(fc.array(name), name, fc.array(name), (deciders, by, alsoKnownAs) => {
      const refused = refusalOf(question({ deciders }), answer({ by, alsoKnownAs }), now) !== undefined;
      const may = deciders.length === 0 || deciders.some((each) => each === by || alsoKnownAs.includes(each));
      return refused === !may;
    }),
  );
});

t.test('a decision tells who, by which way, and why', async (t) => {
  const at = new Date(now).toISOString();
  t.equal(
    decisionText(question(), { choice: 'scale', by: 'ada', via: 'slack', at, reason: 'sale', standing: true }),
    'Scale to 5, and next time without asking: decided by ada, by slack (sale)',
  );
  t.equal(
    decisionText(question(), { choice: 'ignore', by: 'nobody', via: 'expiry', at }),
    'Ignore: nobody answered in time',
  );
});

t.test('settings: what is wrong is named, and left out', async (t) => {
  const { settings, problems } = peopleSettings({
    HOMEOSTAT_GROUPS: 'ops=ada, U1;nonsense',
    HOMEOSTAT_SLACK_TOKEN: 'xoxb-1',
    HOMEOSTAT_JENKINS_URL: 'https://user:pass@jenkins/',
    HOMEOSTAT_SELF_APPROVAL: 'perhaps',
  });
  t.same(settings, { deciders: [], selfApproval: false, groups: { ops: ['ada', 'U1'] } });
  t.same(
    problems.map(({ variable }) => variable),
    ['HOMEOSTAT_SLACK_CHANNEL', 'HOMEOSTAT_JENKINS_URL', 'HOMEOSTAT_GROUPS', 'HOMEOSTAT_SELF_APPROVAL'],
  );
});

t.test('settings: a group is one more name of its members', async (t) => {
  const { groups, deciders } = decidersOf({
    HOMEOSTAT_GROUPS: 'ops=ada,U1;shop=grace',
    HOMEOSTAT_DECIDERS: 'ops, joan',
  });
  t.same(deciders, ['ops', 'joan']);
  t.same(namesOf(['U1'], groups), ['U1', 'ops']);
  t.same(namesOf(['eve'], groups), ['eve']);
});
