/** Runs tests of the service and collects their JUnit reports, also when they are red. */
Map call(Map options = [:]) {
    String config = options.config ?: 'homeostat.yml'
    String reports = "${config.substring(0, config.lastIndexOf('/') + 1)}homeostat-reports"
    // Reports of an earlier call would be counted again, and those of an earlier build refused as old.
    dir(reports) { deleteDir() }
    try {
        return homeostat(command: 'test', parameters: options)
    } finally {
        junit(testResults: "${reports}/**/*.xml", allowEmptyResults: true)
    }
}
