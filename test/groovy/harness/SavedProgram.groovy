package harness

import com.cloudbees.groovy.cps.Continuable
import groovy.transform.CompileStatic

/** All threads of a program in one stream, so that what they share stays shared. */
@CompileStatic
class SavedProgram {
    private static final Map<ClassLoader, Map<String, Class<?>>> known = new HashMap<ClassLoader, Map<String, Class<?>>>()

    static byte[] write(List<Continuable> threads) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(32_768)
        ObjectOutputStream stream = new ObjectOutputStream(bytes)
        stream.writeObject(new ArrayList<Continuable>(threads))
        stream.close()
        return bytes.toByteArray()
    }

    static List<Continuable> read(byte[] bytes, ClassLoader loader) {
        return (List<Continuable>) new Reader(bytes, loader).readObject()
    }

    /** A GroovyClassLoader looks for source files each time it is asked, so its answers are kept. */
    private static class Reader extends ObjectInputStream {
        private final ClassLoader loader
        private final Map<String, Class<?>> classes

        Reader(byte[] bytes, ClassLoader loader) {
            super(new ByteArrayInputStream(bytes))
            this.loader = loader
            Map<String, Class<?>> kept = known.get(loader)
            if (kept == null) {
                kept = new HashMap<String, Class<?>>()
                known.put(loader, kept)
            }
            classes = kept
        }

        @Override
        protected Class<?> resolveClass(ObjectStreamClass description) {
            Class<?> type = classes.get(description.name)
            if (type == null) {
                type = description.name.startsWith('[') ? super.resolveClass(description) : loader.loadClass(description.name)
                classes.put(description.name, type)
            }
            return type
        }
    }
}
