package harness

/** Runs the tests: arguments are the project's folder, a folder for temporary files, and the test files. */
class Main {
    static void main(String[] arguments) {
        File project = new File(arguments[0])
        Compiler.vars = new File(project, 'vars')
        Compiler.programs = new File(project, 'test/groovy/program')
        Site.project = project
        Site.temporary = new File(arguments[1])
        for (name in arguments.drop(2)) {
            (Class.forName(name).newInstance() as Script).run()
        }
        println "${Suite.passed} passed, ${Suite.failed} failed"
        System.exit(Suite.failed == 0 && Suite.passed > 0 ? 0 : 1)
    }
}
