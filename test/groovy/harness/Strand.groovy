package harness

import com.cloudbees.groovy.cps.Continuable
import com.cloudbees.groovy.cps.Outcome

/** One thread of a pipeline: the program, and what Jenkins keeps outside it (the steps around it, the step that runs). */
class Strand {
    Continuable program
    /** One frame per step with a body around this place: its name, its arguments and what it changes (environment, folder). */
    List<Map> frames = []
    /** What the program waits for; null when it is ready to go on with `outcome`. */
    Shell shell
    List<Strand> branches
    Outcome outcome = new Outcome(null, null)
    Outcome end
    String name

    boolean isReady() {
        return end == null && shell == null && branches == null
    }
}
