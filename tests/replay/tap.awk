# A consumer of TAP version 13: reads all of it, says what no consumer should have to read, and prints
# "points N, not ok N, known N, skipped N" at the end. Exit status 0, or 1 where something was said.
function say(what) { print "line " NR ": " what; bad = 1 }
NR == 1 && $0 != "TAP version 13" { say("no version line") }
NR == 2 {
    if ($0 !~ /^1\.\.[0-9]+$/) say("no plan line")
    planned = substr($0, 4) + 0
    next
}
inside && /^  \.\.\.$/ { inside = 0; next }
inside { if ($0 !~ /^  /) say("a YAML line that is not indented: " $0); next }
/^  ---$/ { if (!is_point) say("YAML that belongs to no point"); inside = 1; is_point = 0; next }
/^(not )?ok / {
    is_point = 1
    is_not = /^not/
    line = $0
    sub(/^(not )?ok /, "", line)
    points++
    if (line !~ "^" points " - ") say("number " points " expected: " $0)
    sub(/^[0-9]+ - /, "", line)
    directive = line
    if (!sub(/^[^#]* # /, "", directive)) {
        directive = ""
        if (line ~ /#/) say("a # in a description: " line)
    }
    known_word = "TO" "DO known "
    if (is_not) not_ok++
    if (index(directive, known_word) == 1) {
        if (!is_not) say("known, and ok: " $0)
        known++
    } else if (directive ~ /^SKIP ./) {
        skipped++
    } else if (directive != "") {
        say("an unknown directive: " directive)
    }
    next
}
/^#/ { next }
NR > 1 { say("neither point nor comment: " $0) }
{ is_point = 0 }
END {
    if (inside) say("YAML without an end")
    if (points + 0 != planned) say(points + 0 " points, but " planned " planned")
    printf "points %d, not ok %d, known %d, skipped %d\n", points, not_ok, known, skipped
    exit bad
}
