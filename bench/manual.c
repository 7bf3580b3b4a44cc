#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"

struct manual {
    const char *command;
    const char *synopsis;
    const char *text;
    const char *examples; // one a line
};

struct option {
    const char *command;
    const char *name;
    const char *argument; // empty: a flag
    const char *complete; // FILE, DIR, NONE, or the words
    const char *summary;
};

static const struct manual manuals[] = {
#define MANUAL(command, synopsis, text, examples) {#command, synopsis, text, examples},
#define OPTION(command, name, argument, complete, summary)
#include "bench/manual.def"
#undef MANUAL
#undef OPTION
    {0},
};

static const struct option options[] = {
#define MANUAL(command, synopsis, text, examples)
#define OPTION(command, name, argument, complete, summary)                                         \
    {#command, name, argument, complete, summary},
#include "bench/manual.def"
#undef MANUAL
#undef OPTION
    {0},
};

// Every command has a page, a page without its command is left out.
static bool is_built(const struct manual *m)
{
    static const char *const names[] = {
#define COMMAND(name, visible, summary) #name,
#include "bench/commands.def"
#undef COMMAND
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], m->command) == 0) return true;
    return false;
}

static const struct manual *find(const char *command)
{
    for (const struct manual *m = manuals; m->command; m++)
        if (strcmp(m->command, command) == 0) return m;
    return NULL;
}

static bool belongs(const struct option *o, const struct manual *m)
{
    return strcmp(o->command, m->command) == 0;
}

// --- help

static void print_wrapped(FILE *out, const char *text)
{
    enum { WIDTH = 95 };
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > 0 && column + 1 + n > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column ? " " : "", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

// Each line of `lines` with `before` in front of it.
static void print_lines(FILE *out, const char *before, const char *lines)
{
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        fprintf(out, "%s%.*s\n", before, (int)n, lines);
        lines += n + (lines[n] == '\n');
    }
}

void manual_print_examples(const char *command, FILE *out)
{
    const struct manual *m = find(command);
    if (!m) return;
    fprintf(out, "\nFor example:\n");
    print_lines(out, "  ", m->examples);
}

void manual_print(const char *command, FILE *out)
{
    const struct manual *m = find(command);
    if (!m) return;
    fprintf(out, "usage: foxbench %s %s\n\n", m->command, m->synopsis);
    print_wrapped(out, m->text);
    fputc('\n', out);
    for (const struct option *o = options; o->name; o++) {
        char left[48];
        if (!belongs(o, m)) continue;
        snprintf(left, sizeof left, "%s%s%s", o->name, *o->argument ? " " : "", o->argument);
        fprintf(out, "  %-16s %s\n", left, o->summary);
    }
}

// --- the manual page

// Roff takes a dot or quote at a line's begin, and backslashes, for itself; and makes hyphens of
// minus signs.
static void print_roff_n(FILE *out, const char *text, size_t n)
{
    if (n > 0 && (*text == '.' || *text == '\'')) fputs("\\&", out);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '-' || text[i] == '\\')
            fputs(text[i] == '-' ? "\\-" : "\\e", out);
        else
            fputc(text[i], out);
    }
}

static void print_roff(FILE *out, const char *text)
{
    print_roff_n(out, text, strlen(text));
}

static void print_roff_options(FILE *out, const struct manual *m)
{
    for (const struct option *o = options; o->name; o++) {
        if (!belongs(o, m)) continue;
        fputs(".TP\n\\fB", out);
        print_roff(out, o->name);
        fputs("\\fR", out);
        if (*o->argument) {
            fputs(" \\fI", out);
            print_roff(out, o->argument);
            fputs("\\fR", out);
        }
        fputc('\n', out);
        print_roff(out, o->summary);
        fputc('\n', out);
    }
}

static void print_roff_command(FILE *out, const struct manual *m)
{
    fprintf(out, ".SS %s\n\\fBfoxbench %s\\fR ", m->command, m->command);
    print_roff(out, m->synopsis);
    fputs("\n.PP\n", out);
    print_roff(out, m->text);
    fputc('\n', out);
    print_roff_options(out, m);
    fputs(".PP\nFor example:\n.PP\n.nf\n.RS\n", out);
    for (const char *line = m->examples; *line; line += *line == '\n') {
        size_t n = strcspn(line, "\n");
        print_roff_n(out, line, n);
        fputc('\n', out);
        line += n;
    }
    fputs(".RE\n.fi\n", out);
}

void manual_print_roff(FILE *out)
{
    fputs(".TH FOXBENCH 1 \"\" \"foxbench " FOX_VERSION "\" \"User commands\"\n"
          ".SH NAME\nfoxbench \\- security certification bench for ultra\\-narrow\\-band devices\n"
          ".SH SYNOPSIS\n\\fBfoxbench\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
          ".SH DESCRIPTION\n"
          "foxbench drives a device and radios through suites of cases, judges what they show and\n"
          "writes reports that others can check. Without hardware it uses its virtual lab.\n"
          ".SH COMMANDS\n",
          out);
    for (const struct manual *m = manuals; m->command; m++)
        if (is_built(m)) print_roff_command(out, m);
    fputs(
        ".SH EXIT STATUS\n"
        "0 nothing worse than a warning, 1 a fail, 2 interrupted, 3 bench or suite error, 4 usage\n"
        "or configuration, 5 nothing applicable, 6 inconclusive or not run, 7 evidence or\n"
        "signature invalid.\n"
        ".SH ENVIRONMENT\n"
        ".TP\nFOXBENCH_ROOT\nfolder with suites, Lua modules, fixtures and report templates\n"
        ".TP\nFOXBENCH_PDF\n\\fBoff\\fR leaves report.pdf out\n",
        out);
}

// --- completion

static void print_bash_command(FILE *out, const struct manual *m)
{
    fprintf(out, "    %s)\n        case $prev in\n", m->command);
    for (const struct option *o = options; o->name; o++) {
        if (!belongs(o, m) || !*o->argument) continue;
        if (strcmp(o->complete, "FILE") == 0)
            fprintf(out, "        %s) compopt -o default; return ;;\n", o->name);
        else if (strcmp(o->complete, "DIR") == 0)
            fprintf(out, "        %s) compopt -o dirnames; return ;;\n", o->name);
        else if (strcmp(o->complete, "NONE") == 0)
            fprintf(out, "        %s) return ;;\n", o->name);
        else
            fprintf(out, "        %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
                    o->name, o->complete);
    }
    fputs("        esac\n        words='--help", out);
    for (const struct option *o = options; o->name; o++)
        if (belongs(o, m)) fprintf(out, " %s", o->name);
    fputs("'\n        ;;\n", out);
}

void manual_print_bash(FILE *out)
{
    fputs("# Completion of foxbench for bash: eval \"$(foxbench help --bash)\"\n"
          "_foxbench() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W 'help --version",
          out);
    for (const struct manual *m = manuals; m->command; m++)
        if (is_built(m)) fprintf(out, " %s", m->command);
    fputs("' -- \"$cur\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n", out);
    for (const struct manual *m = manuals; m->command; m++)
        if (is_built(m)) print_bash_command(out, m);
    fputs("    esac\n"
          "    case $cur in\n"
          "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
          "    *) compopt -o default ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _foxbench foxbench\n",
          out);
}
