package harness

/** Runs tests one after the other and says how each ended. */
class Suite {
    static int passed = 0
    static int failed = 0

    static void test(String name, Closure work) {
        long start = System.currentTimeMillis()
        try {
            work()
            passed++
            println "ok ${name} (${System.currentTimeMillis() - start} ms)"
        } catch (Throwable problem) {
            failed++
            println "not ok ${name}"
            println problem.toString().readLines().collect { "    ${it}" }.join('\n')
            problem.stackTrace.findAll { it.fileName?.endsWith('.groovy') }.take(6).each { println "    at ${it.fileName}:${it.lineNumber}" }
        }
    }
}
