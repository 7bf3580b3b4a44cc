# Checks every #include of the files named on the command line against layers.txt (-v rules=FILE). Paths are relative
# to the root of the tree, where this runs. Prints one line a breach and exits 1 when there is any.

function fail(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    breaches++
}

# The layer a folder belongs to: itself or the nearest one above; "" when there is none.
function layer_of(dir) {
    while (dir != "" && !(dir in may)) {
        if (!sub(/\/[^\/]*$/, "", dir)) dir = ""
    }
    return dir
}

function dir_of(path) {
    return sub(/\/[^\/]*$/, "", path) ? path : ""
}

function exists(path,   line, found) {
    found = (getline line < path) >= 0
    close(path)
    return found
}

function check_outside(header,   name, place) {
    for (name in home)
        if (header == name || (name ~ /\/$/ && index(header, name) == 1)) {
            place = home[name]
            if ((name, dir_of(FILENAME) "/") in judge) return
            if (FILENAME == place) return
            if (place == "tests/" && FILENAME ~ /\/tests\//) return
            if (place ~ /\/$/ && index(FILENAME, place) == 1) return
            fail("<" header "> has its home in " place "; call that instead")
            return
        }
    if (header in system_header || header ~ /^(sys|arpa|netinet|net|linux|sanitizer)\//) return
    fail("<" header "> is no header of C or Linux; give its library a home in bench/tests/layers.txt")
}

function check_own(header,   from, to, n, i, parts) {
    if (header ~ /(^|\/)\.\.?\//) {
        fail("\"" header "\": write the path from the root of the tree")
        return
    }
    if (header !~ /\//) {
        if (FILENAME !~ /\/tests\//) fail("\"" header "\": write the path from the root of the tree")
        else if (!exists(dir_of(FILENAME) "/" header)) fail("\"" header "\" does not exist beside this file")
        return
    }
    if (!exists(header)) {
        fail("\"" header "\" does not exist")
        return
    }
    if (header ~ /\/tests\// && FILENAME !~ /\/tests\//) {
        fail("\"" header "\": only tests include what belongs to tests")
        return
    }
    from = layer_of(dir_of(FILENAME))
    to = layer_of(dir_of(header))
    if (to == "") {
        fail("\"" header "\" lies in no layer; add its folder to bench/tests/layers.txt")
        return
    }
    if (from == to) return
    n = split(may[from], parts, " ")
    for (i = 1; i <= n; i++)
        if (parts[i] == to) return
    if (FILENAME ~ /\/tests\// && (from, to) in test_may) return
    fail("\"" header "\": " from " may not include " to "; it may include: " \
        (may[from] == "" ? "nothing but itself" : may[from]))
}

BEGIN {
    while ((getline line < rules) > 0) {
        if (line ~ /^#/ || line ~ /^[ \t]*$/) continue
        n = split(line, word, " ")
        if (word[1] == "layer") {
            sub(/:$/, "", word[2])
            list = ""
            for (i = 3; i <= n; i++) list = list (list == "" ? "" : " ") word[i]
            may[word[2]] = list
            layers++
        } else if (word[1] == "tests") {
            sub(/:$/, "", word[2])
            for (i = 3; i <= n; i++) test_may[word[2], word[i]] = 1
        } else if (word[1] == "home" && n == 3) {
            home[word[2]] = word[3]
        } else if (word[1] == "judge" && n == 3) {
            judge[word[2], word[3]] = 1
        } else {
            print rules ": cannot read: " line
            exit bad = 2
        }
    }
    if (layers == 0) {
        print rules ": no layers"
        exit bad = 2
    }
    n = split("assert.h complex.h ctype.h dirent.h dlfcn.h endian.h errno.h fcntl.h fenv.h float.h fnmatch.h ftw.h " \
        "getopt.h glob.h grp.h inttypes.h iso646.h libgen.h limits.h link.h locale.h malloc.h math.h netdb.h poll.h " \
        "pthread.h pty.h pwd.h regex.h sched.h semaphore.h setjmp.h signal.h spawn.h stdalign.h stdarg.h stdatomic.h " \
        "stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h termios.h tgmath.h " \
        "threads.h time.h unistd.h immintrin.h", word, " ")
    for (i = 1; i <= n; i++) system_header[word[i]] = 1
}

FNR == 1 {
    files++
    if (layer_of(dir_of(FILENAME)) == "")
        fail("lies in no layer; add its folder to bench/tests/layers.txt")
}

/^[ \t]*#[ \t]*include/ {
    includes++
    if (match($0, /<[^>]*>/)) check_outside(substr($0, RSTART + 1, RLENGTH - 2))
    else if (match($0, /"[^"]*"/)) check_own(substr($0, RSTART + 1, RLENGTH - 2))
    else fail("expected <file> or \"file\" after #include")
}

END {
    if (bad) exit bad
    printf "%d files, %d includes, %d breaches\n", files, includes, breaches
    exit breaches > 0 || files == 0
}
