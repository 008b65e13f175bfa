import fc from 'fast-check';
import t from 'tap';
import { didYouMean, nearest } from '../../runner/common/suggest';
import { holds } from './support';

t.test('a word that is like none is left alone', async (t) => {
  t.equal(nearest('banana', ['image', 'name']), undefined);
  t.equal(nearest('image', []), undefined);
  t.equal(didYouMean('', ['image']), '');
});

t.test('a slip finds its word', async (t) => {
  t.equal(nearest('imgae', ['image', 'name']), 'image');
  t.equal(nearest('IMAGE', ['image', 'name']), 'image');
  t.equal(nearest('srvcpath', ['port', 'servicePath']), 'servicePath', 'capitals are no difference');
  t.equal(didYouMean('deadlin', ['deadline']), " (did you mean 'deadline'?)");
});

t.test('it answers with a known word or with nothing', async (t) => {
  await holds(
    t,
    fc.property(fc.string(), fc.array(fc.string()), (word, known) => {
      const found = nearest(word, known);
      return found === undefined || known.includes(found);
    }),
  );
});
