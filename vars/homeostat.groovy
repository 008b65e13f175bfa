import groovy.json.JsonOutput

/** Runs one command of the runner on this agent and returns its result. */
Map call(Map options = [:]) {
    Set unknown = options.keySet() - ['command', 'parameters']
    if (unknown) {
        error("homeostat: unknown option ${unknown.join(', ')}; allowed are command and parameters")
    }
    Map parameters = options.parameters ?: [:]
    String digest = libraryResource(resource: 'homeostat/homeostat.cjs.sha256', encoding: 'UTF-8').substring(0, 64)
    String folder = pwd(tmp: true)
    String result = "${folder}/homeostat-${UUID.randomUUID()}.json"
    return withEnv([
        "HOMEOSTAT_COMMAND=${options.command ?: ''}", "HOMEOSTAT_PARAMETERS=${JsonOutput.toJson(parameters)}", "HOMEOSTAT_RESULT=${result}",
        "HOMEOSTAT_RUNNER=${folder}/homeostat-${digest}.cjs", "HOMEOSTAT_DIGEST=${digest}", 'DEBUG=',
    ]) {
        provideRunner("${result}.part")
        return answer(options.command, runCommand(options.command), result)
    }
}

/** Puts the runner of this library beside its place, unless it is there already, whole. */
private void provideRunner(String part) {
    int status = sh(label: 'homeostat: look for the runner', returnStatus: true, script: '''#!/bin/sh
        find "${HOMEOSTAT_RUNNER%/*}" -maxdepth 1 -name 'homeostat-*.json*' -mmin +1440 -delete
        echo "$HOMEOSTAT_DIGEST  $HOMEOSTAT_RUNNER" | sha256sum -c >/dev/null 2>&1
    ''')
    if (status != 0) {
        writeFile(file: part, text: libraryResource(resource: 'homeostat/homeostat.cjs', encoding: 'UTF-8'), encoding: 'UTF-8')
    }
}

/** The exit code of the command. A runner that was just written is renamed into place first: others may be using the old one. */
private int runCommand(Object command) {
    return sh(label: "homeostat ${command}", returnStatus: true, script: '''#!/bin/sh
        refuse() {
            rm -f "$HOMEOSTAT_RESULT.part"
            printf '{"error": {"code": "%s", "message": "%s", "remedy": "%s"}}' "$@" >"$HOMEOSTAT_RESULT"
            exit 8
        }
        part="$HOMEOSTAT_RESULT.part"
        if [ -e "$part" ]; then
            echo "$HOMEOSTAT_DIGEST  $part" | sha256sum -c >/dev/null 2>&1 ||
                refuse RUNNER_DAMAGED 'the runner on this agent differs from its checksum in the library' \\
                    'Check the disk space of the agent, that it has sha256sum, and that the library was committed whole.'
            mv -f "$part" "$HOMEOSTAT_RUNNER"
            find "${HOMEOSTAT_RUNNER%/*}" -maxdepth 1 -name 'homeostat-*.cjs' ! -name "homeostat-$HOMEOSTAT_DIGEST.cjs" -delete
        fi
        found="$(node --version 2>/dev/null)"
        found="${found#v}"
        found="${found%%[!0-9.]*}"
        [ "${found%%.*}" -ge 20 ] 2>/dev/null ||
            refuse NODE_MISSING "Node.js 20 or newer is needed on this agent, found ${found:-none}" \\
                'Install Node.js on the agent, or choose another agent.'
        exec node "$HOMEOSTAT_RUNNER" "$HOMEOSTAT_COMMAND"
    ''')
}

/** The result of the command; a failure, or no result, becomes one error. */
private Map answer(Object command, int status, String result) {
    Map document = null
    try {
        document = readJSON(file: result, returnPojo: true)
    } catch (IOException | RuntimeException unreadable) {
        echo("homeostat: ${unreadable.message}")
    }
    if (status == 0 && document != null && !document.error) {
        return document
    }
    Map failure = document?.error ?: [code: 'RESULT_MISSING', message: 'the runner left no readable result', remedy: 'Read its output above.']
    String message = "homeostat ${command}: ${failure.message} (${failure.code}, exit ${status}): ${failure.remedy}"
    error(message.replaceAll('\\s+', ' '))
}
