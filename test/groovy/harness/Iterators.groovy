package harness

import groovy.transform.CompileStatic

/** The collections that a loop walks over as serialisable copies, as Jenkins' IteratorHack does; plain groovy-cps has none. */
@CompileStatic
class Iterators {
    static class Walk implements Iterator<Object>, Serializable {
        private final ArrayList<Object> items
        private int next = 0

        Walk(Collection<?> items) {
            this.items = new ArrayList<Object>(items)
        }

        @Override
        boolean hasNext() {
            return next < items.size()
        }

        @Override
        Object next() {
            return items.get(next++)
        }

        @Override
        void remove() {
            throw new UnsupportedOperationException('remove')
        }
    }

    static Iterator iterator(List self) {
        return new Walk(self)
    }

    static Iterator iterator(Set self) {
        return new Walk(self)
    }

    static Collection entrySet(Map self) {
        LinkedHashSet<Object> entries = new LinkedHashSet<Object>()
        for (Map.Entry entry : ((Map<Object, Object>) self).entrySet()) {
            entries.add(new AbstractMap.SimpleEntry<Object, Object>(entry.key, entry.value))
        }
        return entries
    }

    static Set keySet(Map self) {
        return new LinkedHashSet<Object>(self.keySet())
    }

    static Collection values(Map self) {
        return new ArrayList<Object>(self.values())
    }
}
