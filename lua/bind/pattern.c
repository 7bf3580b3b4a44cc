#include "lua/bind/pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "lua/bind/budget.h"

enum { CAPTURES_MAX = 32, DEPTH_MAX = 200, STEPS_AT_ONCE = 4096 };
enum { OPEN = -1, POSITION = -2 }; // lengths of captures that have none

#define TOO_MANY_WAYS                                                                              \
    "steps of a pattern: it tries too many ways to fit; make it simpler, anchor it with ^, or "    \
    "give it a shorter text"

struct matcher {
    lua_State *L;
    const char *text, *text_end;
    const char *pattern_end;
    int64_t steps; // not yet put to the budget
    int depth;
    int captures;
    struct {
        const char *from;
        ptrdiff_t len;
    } capture[CAPTURES_MAX];
};

static const char *match(struct matcher *m, const char *s, const char *p);

static void step(struct matcher *m)
{
    if (++m->steps < STEPS_AT_ONCE) return;
    m->steps = 0;
    budget_spend(m->L, STEPS_AT_ONCE, TOO_MANY_WAYS);
}

// ---- one item of a pattern

// The end of the item at p: a character, an escaped one or a set.
static const char *item_end(struct matcher *m, const char *p)
{
    const char first = *p++;
    if (first == '%') {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    do { // a ] that comes first is a member
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

static bool in_class(int c, int class)
{
    bool in;
    switch (tolower(class)) {
    case 'a':
        in = isalpha(c);
        break;
    case 'c':
        in = iscntrl(c);
        break;
    case 'd':
        in = isdigit(c);
        break;
    case 'g':
        in = isgraph(c);
        break;
    case 'l':
        in = islower(c);
        break;
    case 'p':
        in = ispunct(c);
        break;
    case 's':
        in = isspace(c);
        break;
    case 'u':
        in = isupper(c);
        break;
    case 'w':
        in = isalnum(c);
        break;
    case 'x':
        in = isxdigit(c);
        break;
    case 'z':
        in = c == 0;
        break;
    default:
        return class == c; // an escaped character
    }
    return isupper(class) ? !in : in;
}

// `p` is at the [, `last` at the ] that closes it.
static bool in_set(struct matcher *m, int c, const char *p, const char *last)
{
    bool wanted = true;
    p++;
    if (*p == '^') {
        wanted = false;
        p++;
    }
    for (; p < last; p++) {
        step(m);
        if (*p == '%') {
            p++;
            if (in_class(c, (unsigned char)*p)) return wanted;
        } else if (p[1] == '-' && p + 2 < last) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return wanted;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return wanted;
        }
    }
    return !wanted;
}

// Whether the item from p to its end takes the character at s.
static bool takes(struct matcher *m, const char *s, const char *p, const char *end)
{
    step(m);
    if (s >= m->text_end) return false;
    const int c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)p[1]);
    case '[':
        return in_set(m, c, p, end - 1);
    default:
        return (unsigned char)*p == c;
    }
}

// ---- repetitions: `end` is behind the item, at its *, +, - or ?

static const char *as_many(struct matcher *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t n = 0;
    while (takes(m, s + n, p, end))
        n++;
    for (; n >= 0; n--) {
        const char *stop = match(m, s + n, end + 1);
        if (stop) return stop;
    }
    return NULL;
}

static const char *as_few(struct matcher *m, const char *s, const char *p, const char *end)
{
    for (;; s++) {
        const char *stop = match(m, s, end + 1);
        if (stop) return stop;
        if (!takes(m, s, p, end)) return NULL;
    }
}

// ---- captures

static const char *open_capture(struct matcher *m, const char *s, const char *p, ptrdiff_t len)
{
    if (m->captures >= CAPTURES_MAX) luaL_error(m->L, "too many captures");
    m->capture[m->captures].from = s;
    m->capture[m->captures].len = len;
    m->captures++;
    const char *stop = match(m, s, p);
    if (!stop) m->captures--;
    return stop;
}

static const char *close_capture(struct matcher *m, const char *s, const char *p)
{
    int i = m->captures - 1;
    while (i >= 0 && m->capture[i].len != OPEN)
        i--;
    if (i < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[i].len = s - m->capture[i].from;
    const char *stop = match(m, s, p);
    if (!stop) m->capture[i].len = OPEN;
    return stop;
}

// %1 … %9: what the capture holds, once more. NULL when it is not there.
static const char *same_again(struct matcher *m, const char *s, int digit)
{
    const int i = digit - '1';
    if (i < 0 || i >= m->captures || m->capture[i].len == OPEN)
        luaL_error(m->L, "invalid capture index %%%d", i + 1);
    const size_t len = (size_t)m->capture[i].len; // of a position: longer than any text
    step(m);
    if ((size_t)(m->text_end - s) < len || memcmp(m->capture[i].from, s, len) != 0) return NULL;
    return s + len;
}

// ---- %b and %f

// %bxy at p + 2: from an x to the y that balances it.
static const char *balanced(struct matcher *m, const char *s, const char *p)
{
    if (p + 1 >= m->pattern_end) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->text_end || *s != p[0]) return NULL;
    int deep = 1;
    for (s++; s < m->text_end; s++) {
        step(m);
        if (*s == p[1]) {
            if (--deep == 0) return s + 1;
        } else if (*s == p[0]) {
            deep++;
        }
    }
    return NULL;
}

// %f[set]: between a character outside the set and one inside; beyond the text there are zeros.
static bool at_frontier(struct matcher *m, const char *s, const char *p, const char *end)
{
    const int before = s == m->text ? 0 : (unsigned char)s[-1];
    const int behind = s < m->text_end ? (unsigned char)*s : 0;
    return !in_set(m, before, p, end - 1) && in_set(m, behind, p, end - 1);
}

// ---- the whole

// What begins with a % and is no class. Returns false when it is one; else *s is where it ends
// (NULL: it does not fit), *p what follows.
static bool match_special(struct matcher *m, const char **s, const char **p)
{
    const char *at = *p + 1;
    if (at == m->pattern_end) return false;
    if (*at == 'b') {
        *s = balanced(m, *s, at + 1);
        *p = at + 3;
    } else if (*at == 'f') {
        if (++at == m->pattern_end || *at != '[')
            luaL_error(m->L, "missing '[' after '%%f' in pattern");
        *p = item_end(m, at);
        if (!at_frontier(m, *s, at, *p)) *s = NULL;
    } else if (isdigit((unsigned char)*at)) {
        *s = same_again(m, *s, (unsigned char)*at);
        *p = at + 1;
    } else {
        return false;
    }
    return true;
}

// An item with what follows it. Returns true when the search goes on at *s and *p in the same call,
// false when *s is the result.
static bool match_item(struct matcher *m, const char **s, const char **p)
{
    const char *end = item_end(m, *p);
    const char suffix = end < m->pattern_end ? *end : '\0';
    const bool may_lack = suffix == '*' || suffix == '-' || suffix == '?';
    if (!takes(m, *s, *p, end)) {
        *p = end + 1;
        if (!may_lack) *s = NULL;
        return may_lack;
    }
    if (suffix == '*' || suffix == '+') {
        *s = as_many(m, *s + (suffix == '+'), *p, end);
        return false;
    }
    if (suffix == '-') {
        *s = as_few(m, *s, *p, end);
        return false;
    }
    const char *stop = suffix == '?' ? match(m, *s + 1, end + 1) : NULL;
    if (stop) {
        *s = stop;
        return false;
    }
    if (suffix != '?') *s += 1;
    *p = suffix == '?' ? end + 1 : end;
    return true;
}

// Where the match of the pattern from p on ends that begins at s; NULL when there is none.
static const char *match(struct matcher *m, const char *s, const char *p)
{
    if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
    bool on = true;
    while (on && s && p != m->pattern_end) {
        step(m);
        if (*p == '(') {
            const bool position = p + 1 < m->pattern_end && p[1] == ')';
            s = open_capture(m, s, p + 1 + position, position ? POSITION : OPEN);
            on = false;
        } else if (*p == ')') {
            s = close_capture(m, s, p + 1);
            on = false;
        } else if (*p == '$' && p + 1 == m->pattern_end) {
            if (s != m->text_end) s = NULL;
            on = false;
        } else if (*p != '%' || !match_special(m, &s, &p)) {
            on = match_item(m, &s, &p);
        }
    }
    m->depth++;
    return s;
}

// ---- what the functions share

static void matcher_init(struct matcher *m, lua_State *L, const char *text, size_t text_len,
                         const char *pattern, size_t pattern_len)
{
    m->L = L;
    m->text = text;
    m->text_end = text + text_len;
    m->pattern_end = pattern + pattern_len;
    m->steps = 0;
}

static const char *match_at(struct matcher *m, const char *s, const char *p)
{
    m->depth = DEPTH_MAX;
    m->captures = 0;
    return match(m, s, p);
}

// Steps that were not put to the budget yet.
static void settle(struct matcher *m)
{
    budget_spend(m->L, m->steps, TOO_MANY_WAYS);
    m->steps = 0;
}

// Capture i; the whole match from s to stop where the pattern has none.
static void push_capture(const struct matcher *m, int i, const char *s, const char *stop)
{
    if (i >= m->captures) {
        if (i > 0) luaL_error(m->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(m->L, s, (size_t)(stop - s));
        return;
    }
    const ptrdiff_t len = m->capture[i].len;
    if (len == OPEN) luaL_error(m->L, "unfinished capture");
    if (len == POSITION)
        lua_pushinteger(m->L, m->capture[i].from - m->text + 1);
    else
        lua_pushlstring(m->L, m->capture[i].from, (size_t)len);
}

// With s NULL a match without captures gives nothing.
static int push_captures(const struct matcher *m, const char *s, const char *stop)
{
    const int n = m->captures == 0 && s ? 1 : m->captures;
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(m, i, s, stop);
    return n;
}

// The argument `init`, from 0; negative ones count from the end.
static size_t first_place(lua_State *L, int argument, size_t len)
{
    const lua_Integer init = luaL_optinteger(L, argument, 1);
    if (init > 0) return (size_t)init - 1;
    if (init == 0 || init < -(lua_Integer)len) return 0;
    return len - (size_t)-init;
}

static bool is_plain(const char *pattern, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (pattern[i] != '\0' && strchr("^$*+?.([%-", pattern[i])) return false;
    return true;
}

// ---- find and match

static int find_plain(lua_State *L, const char *text, size_t text_len, size_t from,
                      const char *wanted, size_t wanted_len)
{
    const char *at = memmem(text + from, text_len - from, wanted, wanted_len);
    budget_spend(L, (int64_t)(text_len - from) / 8, TOO_MANY_WAYS); // many bytes at a time
    if (!at) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, at - text + 1);
    lua_pushinteger(L, at - text + (lua_Integer)wanted_len);
    return 2;
}

static int search(lua_State *L, bool find)
{
    size_t text_len, pattern_len;
    const char *text = luaL_checklstring(L, 1, &text_len);
    const char *pattern = luaL_checklstring(L, 2, &pattern_len);
    const size_t from = first_place(L, 3, text_len);
    if (from > text_len) {
        luaL_pushfail(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || is_plain(pattern, pattern_len)))
        return find_plain(L, text, text_len, from, pattern, pattern_len);

    struct matcher m;
    const bool anchored = pattern_len > 0 && *pattern == '^';
    matcher_init(&m, L, text, text_len, pattern, pattern_len);
    for (const char *s = text + from; s <= m.text_end; s++) {
        const char *stop = match_at(&m, s, pattern + anchored);
        if (stop) {
            settle(&m);
            if (!find) return push_captures(&m, s, stop);
            lua_pushinteger(L, s - text + 1);
            lua_pushinteger(L, stop - text);
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (anchored) break;
    }
    settle(&m);
    luaL_pushfail(L);
    return 1;
}

// string.find(text, pattern [, init [, plain]])
static int l_find(lua_State *L)
{
    return search(L, true);
}

// string.match(text, pattern [, init])
static int l_match(lua_State *L)
{
    return search(L, false);
}

// ---- gmatch

// Upvalues: text, pattern, where the next search begins, where the last match ended (-1: none).
static int l_next_match(lua_State *L)
{
    size_t text_len, pattern_len;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &text_len);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_len);
    const lua_Integer from = lua_tointeger(L, lua_upvalueindex(3));
    const lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct matcher m;
    matcher_init(&m, L, text, text_len, pattern, pattern_len);
    for (const char *s = text + from; s <= m.text_end; s++) {
        const char *stop = match_at(&m, s, pattern);
        if (!stop || stop - text == last) continue; // an empty one behind the last is part of it
        settle(&m);
        lua_pushinteger(L, stop - text);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&m, s, stop);
    }
    settle(&m);
    return 0;
}

// string.gmatch(text, pattern [, init])
static int l_gmatch(lua_State *L)
{
    size_t text_len;
    luaL_checklstring(L, 1, &text_len);
    luaL_checkstring(L, 2);
    size_t from = first_place(L, 3, text_len);
    if (from > text_len) from = text_len + 1;
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)from);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, l_next_match, 4);
    return 1;
}

// ---- gsub

// A replacement's text with its %0 … %9 and %%.
static void add_text(const struct matcher *m, luaL_Buffer *out, const char *s, const char *stop)
{
    size_t len;
    const char *text = lua_tolstring(m->L, 3, &len), *end = text + len, *mark;
    while ((mark = memchr(text, '%', (size_t)(end - text)))) {
        luaL_addlstring(out, text, (size_t)(mark - text));
        const char c = mark + 1 < end ? mark[1] : '\0';
        if (c == '%') {
            luaL_addchar(out, '%');
        } else if (c == '0') {
            luaL_addlstring(out, s, (size_t)(stop - s));
        } else if (isdigit((unsigned char)c)) {
            push_capture(m, c - '1', s, stop);
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
        text = mark + 2;
    }
    luaL_addlstring(out, text, (size_t)(end - text));
}

// What comes instead of the match from s to stop. Whether it is another text.
static bool add_value(const struct matcher *m, luaL_Buffer *out, const char *s, const char *stop)
{
    lua_State *L = m->L;
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, stop), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, s, stop);
        lua_gettable(L, 3);
        break;
    default:
        add_text(m, out, s, stop);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, s, (size_t)(stop - s));
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(out);
    return true;
}

// string.gsub(text, pattern, replacement [, n])
static int l_gsub(lua_State *L)
{
    size_t text_len, pattern_len;
    const char *s = luaL_checklstring(L, 1, &text_len), *last = NULL;
    const char *pattern = luaL_checklstring(L, 2, &pattern_len);
    const int type = lua_type(L, 3);
    const lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)text_len + 1);
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    const bool anchored = pattern_len > 0 && *pattern == '^';
    bool changed = false;
    lua_Integer n = 0;
    struct matcher m;
    luaL_Buffer out;
    matcher_init(&m, L, s, text_len, pattern, pattern_len);
    luaL_buffinit(L, &out);
    while (n < most) {
        const char *stop = match_at(&m, s, pattern + anchored);
        if (stop && stop != last) {
            n++;
            changed = add_value(&m, &out, s, stop) || changed;
            s = last = stop;
        } else if (s < m.text_end) {
            luaL_addchar(&out, *s++);
        } else {
            break;
        }
        if (anchored) break;
    }
    settle(&m);
    if (changed) {
        luaL_addlstring(&out, s, (size_t)(m.text_end - s));
        luaL_pushresult(&out);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, n);
    return 2;
}

void pattern_register(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"find", l_find}, {"match", l_match}, {"gmatch", l_gmatch}, {"gsub", l_gsub}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
