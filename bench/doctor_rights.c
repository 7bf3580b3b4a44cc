#include <dirent.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/doctor.h"

const char doctor_udev_rules[] =
    "# Instruments of a foxbench for the people at the desk and the group plugdev.\n"
    "# Install as /etc/udev/rules.d/60-foxbench.rules, then:\n"
    "#   udevadm control --reload && udevadm trigger\n"
    "# ADALM-Pluto\n"
    "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0456\", ATTR{idProduct}==\"b673\", MODE=\"0660\", "
    "GROUP=\"plugdev\", TAG+=\"uaccess\"\n"
    "# FT232H\n"
    "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0403\", ATTR{idProduct}==\"6014\", MODE=\"0660\", "
    "GROUP=\"plugdev\", TAG+=\"uaccess\"\n"
    "# FT2232H\n"
    "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0403\", ATTR{idProduct}==\"6010\", MODE=\"0660\", "
    "GROUP=\"plugdev\", TAG+=\"uaccess\"\n"
    "# ModemManager writes AT commands of its own to serial ports that it takes for modems\n"
    "SUBSYSTEM==\"tty\", SUBSYSTEMS==\"usb\", ENV{ID_MM_PORT_IGNORE}=\"1\"\n";

static const char *const folders[] = {"/etc/udev/rules.d",           "/run/udev/rules.d",
                                      "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d",
                                      "/lib/udev/rules.d",           NULL};

// --- udev

static bool line_has(const char *line, const char *a, const char *b)
{
    const char *first = line + strspn(line, " \t");
    return *first != '#' && strcasestr(line, a) && (!b || strcasestr(line, b));
}

static bool file_has(const char *path, const char *a, const char *b)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = line_has(line, a, b);
    if (file) fclose(file);
    return found;
}

static bool folder_has(const char *folder, const char *a, const char *b, char *found, size_t size)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    bool has = false;
    while (dir && !has && (entry = readdir(dir))) {
        char path[PATH_MAX];
        const char *end = strrchr(entry->d_name, '.');
        if (!end || strcmp(end, ".rules") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        has = file_has(path, a, b);
        if (has && found) snprintf(found, size, "%s", path);
    }
    if (dir) closedir(dir);
    return has;
}

bool doctor_find_rule(const char *const *where, const char *vendor, const char *product,
                      char *found, size_t size)
{
    for (; *where; where++)
        if (folder_has(*where, vendor, product, found, size)) return true;
    return false;
}

static void check_rule(struct findings *f, const char *subject, const char *vendor,
                       const char *product, const char *other)
{
    char found[PATH_MAX];
    if (doctor_find_rule(folders, vendor, product, found, sizeof found) ||
        (other && doctor_find_rule(folders, other, NULL, found, sizeof found))) {
        findings_add(f, FINDING_OK, subject, "%s", found);
        return;
    }
    findings_add(f, FINDING_WARN, subject,
                 "expected a rule for %s:%s, found none: only root may open it", vendor, product);
    findings_mend(f, "foxbench doctor --udev | sudo tee /etc/udev/rules.d/60-foxbench.rules; sudo "
                     "udevadm control --reload; sudo udevadm trigger");
}

// --- groups

static bool process_has(gid_t gid)
{
    gid_t list[NGROUPS_MAX];
    int n = getgroups(NGROUPS_MAX, list);
    if (getegid() == gid) return true;
    for (int i = 0; i < n; i++)
        if (list[i] == gid) return true;
    return false;
}

static bool lists(const struct group *group, const char *user)
{
    for (char **member = group->gr_mem; *member; member++)
        if (strcmp(*member, user) == 0) return true;
    return false;
}

static void check_group(struct findings *f, const char *name, const char *what)
{
    char subject[48];
    const struct passwd *user = getpwuid(geteuid());
    const char *user_name = user ? user->pw_name : "this user";
    const struct group *group = getgrnam(name);
    snprintf(subject, sizeof subject, "group %s", name);
    if (geteuid() == 0) {
        findings_add(f, FINDING_OK, subject, "not needed: root may open %s", what);
    } else if (!group) {
        findings_add(f, FINDING_WARN, subject, "this computer has no such group");
        findings_mend(f, "sudo groupadd --system %s, then usermod -aG %s %s", name, name,
                      user_name);
    } else if (process_has(group->gr_gid)) {
        findings_add(f, FINDING_OK, subject, "%s belongs to it", user_name);
    } else if (user && lists(group, user_name)) {
        findings_add(f, FINDING_WARN, subject, "%s belongs to it, but not yet in this session",
                     user_name);
        findings_mend(f, "log out and in again");
    } else {
        findings_add(f, FINDING_WARN, subject, "expected %s to belong to it, which opens %s",
                     user_name, what);
        findings_mend(f, "sudo usermod -aG %s %s, then log out and in again", name, user_name);
    }
}

// --- all

static bool uses_usb_radio(const struct jval *bench)
{
    const struct jval *radios = jval_get(bench, "radios");
    for (size_t i = 0; i < jval_len(radios); i++)
        if (strncmp(jval_text(jval_get(jval_at(radios, i), "uri"), ""), "usb:", 4) == 0)
            return true;
    return false;
}

void doctor_check_rights(struct findings *f, const struct jval *bench)
{
    if (jval_bool(jval_get(bench, "virtual"), false)) {
        findings_add(f, FINDING_OK, "rights", "a virtual bench needs no groups and no udev rules");
        return;
    }
    check_group(f, "dialout", "serial ports");
    check_group(f, "plugdev", "USB instruments");
    if (!bench || uses_usb_radio(bench)) check_rule(f, "udev Pluto", "0456", "b673", "iio_info");
    if (!bench || jval_get(bench, "ftdi")) check_rule(f, "udev FT232H", "0403", "6014", NULL);
}
