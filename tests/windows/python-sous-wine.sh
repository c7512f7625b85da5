#!/bin/bash
# Fait un vrai CPython pour Windows, qui tourne sous Wine, sur une Debian qui n'atteint que les paquets
# de Debian et PyPI. Ce qui est déjà là est gardé : supprimez « $WIN » pour recommencer.
#
#   bash tests/windows/python-sous-wine.sh [3.11|3.12]     (sinon 3.11 ; sous Wine 8, le pip de 3.13 ne marche pas)
#   $WIN/win.sh python ARGUMENTS…                          le lance (voir la fin de ce fichier)
#
# D'où vient chaque chose :
# - pythonMM.dll, les modules .pyd et les DLL d'OpenSSL, SQLite et FFI sont ceux du projet CPython : les
#   roues Windows de « panda3d » les portent tels quels, dans deploy_libs/.
# - Lib/, en Python pur, est celle d'un CPython de Linux de la même version mineure : les mêmes fichiers
#   sur tout système, sauf les scripts « nt » de venv, qu'une installation de Linux n'a pas.
# - python.exe est trois lignes de C qui appellent Py_Main, comme PC/python.c de CPython.
# - python3.dll renvoie chaque nom de l'ABI stable à pythonMM.dll, comme celle de CPython.
# - Lib/venv/scripts/nt/python.exe suit ce que CPython dit de PC/launcher.c (VENV_REDIRECT) : il lit
#   « home » dans pyvenv.cfg, pose __PYVENV_LAUNCHER__, lance le Python de base dans un objet job qui finit
#   avec lui, n'écoute pas Ctrl-C, et rend le code de sortie de l'enfant.
# - pip est la roue que le CPython de Linux garde pour ensurepip.
#
# Ce qui est de Wine, et non de Windows : le code d'erreur d'un verrou, les ports qui viennent de servir, le
# processus d'un port, le dessin de la console, et la lenteur des imports (cinq à dix fois celle de Linux).
set -euo pipefail
WIN=${WIN:-/tmp/win}
VERSION=${1:-3.11}
NN=${VERSION/./}
DL=$WIN/dl
# Wine écrit des menus dans le dossier personnel.
mkdir -p "$WIN/home"
export HOME=$WIN/home WINEPREFIX=${WINEPREFIX:-$WIN/prefix} WINEARCH=win64
# Un vrai dossier de C:, et non un lien : os.path.realpath montrerait où il mène.
PY=$WINEPREFIX/drive_c/Python$NN
export WINEDEBUG=${WINEDEBUG:--all}
# Ni .NET ni moteur HTML : rien n'en a besoin, et Wine proposerait de les télécharger.
export WINEDLLOVERRIDES='mscoree=;mshtml='
mkdir -p "$DL"

# 1. Les outils. La moitié 64 bits de Wine suffit.
need=()
for package in wine wine64 gcc-mingw-w64-x86-64 xvfb locales unzip; do
    dpkg -s "$package" >/dev/null 2>&1 || need+=("$package")
done
if ((${#need[@]})); then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}"
fi
# Un Windows français : Wine prend ses pages de code (1252, et 850 dans la console) de la locale.
if ! locale -a | grep -qi '^fr_FR.utf8$'; then
    grep -q '^fr_FR.UTF-8' /etc/locale.gen || echo 'fr_FR.UTF-8 UTF-8' >>/etc/locale.gen
    locale-gen >/dev/null
fi
export LC_ALL=fr_FR.UTF-8 LANG=fr_FR.UTF-8

# 2. Un Windows 10 : Wine 8 dirait 7, où aucun Python d'aujourd'hui ne tourne.
if [ ! -f "$WINEPREFIX/system.reg" ]; then
    wineboot -i >/dev/null 2>&1
    wine winecfg -v win10 >/dev/null 2>&1
    wineserver -w
    # Wine fait de Documents un lien vers le dossier de Linux : ici, un dossier à part.
    for link in "$WINEPREFIX"/drive_c/users/*/*; do
        [ ! -L "$link" ] || { rm "$link"; mkdir "$link"; }
    done
fi

# Wine 8 n'a pas bcryptprimitives.dll, à qui tout code Rust récent demande des octets au hasard : une
# fonction, écrite ici avec ce que Wine a.
if [ ! -f "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" ]; then
    cat >"$WIN/bcryptprimitives.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    while (length) {
        ULONG part = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(data, part)) return FALSE;
        data += part;
        length -= part;
    }
    return TRUE;
}
C
    x86_64-w64-mingw32-gcc -O2 -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
        "$WIN/bcryptprimitives.c" -ladvapi32
fi

# 3. Les DLL et les modules de CPython.
if ! ls "$DL"/panda3d-*-cp$NN-cp$NN-win_amd64.whl >/dev/null 2>&1; then
    pip download -q --no-deps --only-binary=:all: --platform win_amd64 \
        --python-version "$VERSION" -d "$DL" panda3d
fi
libs=$DL/x$NN/deploy_libs
[ -d "$libs" ] || unzip -qo "$DL"/panda3d-*-cp$NN-cp$NN-win_amd64.whl 'deploy_libs/*' -d "$DL/x$NN"

# 4. La bibliothèque en Python pur, de la version la plus proche que cette machine ait.
linux=$(ls -d "$(pyenv root 2>/dev/null)"/versions/$VERSION.*/lib/python$VERSION /usr/lib/python$VERSION 2>/dev/null | head -1 || true)
[ -n "$linux" ] || { echo "Il manque un CPython $VERSION de Linux : installez-le." >&2; exit 1; }
if [ ! -f "$PY/Lib/os.py" ]; then
    mkdir -p "$PY/Lib" "$PY/DLLs"
    (cd "$linux" && tar cf - --exclude=__pycache__ --exclude=site-packages --exclude=lib-dynload \
        --exclude='_sysconfigdata*' --exclude='config-*' --exclude=test --exclude=EXTERNALLY-MANAGED .) |
        tar xf - -C "$PY/Lib"
    mkdir -p "$PY/Lib/site-packages"
fi
# 3.11.8 a fait de MetadataPathFinder.invalidate_caches une méthode de classe, et l'importlib figé dans
# la DLL l'appelle ainsi.
python3 - "$PY/Lib/importlib/metadata/__init__.py" <<'P'
import pathlib, sys
path = pathlib.Path(sys.argv[1])
old, text = "    def invalidate_caches(cls):", path.read_text()
if f"@classmethod\n{old}" not in text:
    path.write_text(text.replace(old, f"    @classmethod\n{old}"))
P
cp -u "$libs"/*.pyd "$PY/DLLs/"
rm -f "$PY"/DLLs/*.cp3*t-win_amd64.pyd
# Dès 3.12, platform lui demande ce que Wine 8 ne sait pas dire ; sans lui, il fait comme avant.
rm -f "$PY/DLLs/_wmi.pyd"
cp -u "$libs"/lib*.dll "$libs"/sqlite3.dll "$libs"/t*86t.dll "$PY/DLLs/"
[ -f "$libs/zlib1.dll" ] && cp -u "$libs/zlib1.dll" "$PY/DLLs/"
cp -u "$libs/python$NN.dll" "$PY/"
for name in VCRUNTIME140 VCRUNTIME140_1; do
    # La roue de 3.11 n'a pas le second : celui d'une autre version est le même.
    found=$(ls "$DL"/x3*/deploy_libs/$name.dll 2>/dev/null | head -1) || true
    [ -n "$found" ] && cp -u "$found" "$PY/${name,,}.dll"
done

# 5. python.exe, pythonw.exe, le lanceur des environnements et python3.dll.
build=$WIN/build$NN
mkdir -p "$build"
cat >"$build/python.c" <<'C'
#include <wchar.h>
__declspec(dllimport) int Py_Main(int argc, wchar_t **argv);
int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
C
cat >"$build/venvlauncher.c" <<'C'
/* Ce que l'environnement d'un Windows a pour python.exe. */
#define _WIN32_WINNT 0x0A00
#include <windows.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static BOOL WINAPI ignore(DWORD code) { (void)code; return TRUE; }

static void fail(int rc, const wchar_t *words, const wchar_t *more)
{
    fwprintf(stderr, L"%ls '%ls' (%lu)\n", words, more, GetLastError());
    ExitProcess(rc);
}

static HANDLE twin(DWORD which)
{
    HANDLE self = GetCurrentProcess(), old = GetStdHandle(which), new = NULL;
    if (old && old != INVALID_HANDLE_VALUE)
        DuplicateHandle(self, old, self, &new, 0, TRUE, DUPLICATE_SAME_ACCESS);
    return new;
}

int wmain(void)
{
    static wchar_t me[32768], cfg[32768], home[32768], python[32768], line[65536];
    static char text[65536];
    wchar_t *slash;
    FILE *file = NULL;
    GetModuleFileNameW(NULL, me, 32768);
    /* pyvenv.cfg est à côté de ce programme, ou un dossier plus haut. */
    for (int up = 0; up < 2 && !file; up++) {
        wcscpy(cfg, me);
        for (int i = 0; i <= up; i++)
            if ((slash = wcsrchr(cfg, L'\\'))) *slash = 0;
        wcscat(cfg, L"\\pyvenv.cfg");
        file = _wfopen(cfg, L"rb");
    }
    if (!file) fail(106, L"No pyvenv.cfg file", me);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    char *p = text, *found = NULL;
    while (p && *p) {
        char *q = p;
        while (*q == ' ' || *q == '\t') q++;
        if (!_strnicmp(q, "home", 4)) {
            q += 4;
            while (*q == ' ' || *q == '\t') q++;
            if (*q == '=') { q++; while (*q == ' ' || *q == '\t') q++; found = q; break; }
        }
        p = strchr(p, '\n');
        if (p) p++;
    }
    if (!found) fail(106, L"No home key in", cfg);
    size_t n = strcspn(found, "\r\n");
    while (n && (found[n - 1] == ' ' || found[n - 1] == '\t')) n--;
    home[MultiByteToWideChar(CP_UTF8, 0, found, (int)n, home, 32000)] = 0;
    const wchar_t *base = wcsrchr(me, L'\\') + 1;
    swprintf(python, 32768, L"%ls\\%ls", home, base);
    if (GetFileAttributesW(python) == INVALID_FILE_ATTRIBUTES)
        swprintf(python, 32768, L"%ls\\python.exe", home);
    if (GetFileAttributesW(python) == INVALID_FILE_ATTRIBUTES)
        fail(103, L"did not find executable at", python);
    SetEnvironmentVariableW(L"__PYVENV_LAUNCHER__", me);

    /* La ligne de commande telle quelle, sauf son premier mot. */
    const wchar_t *rest = GetCommandLineW();
    int quoted = 0;
    while (*rest && (quoted || (*rest != L' ' && *rest != L'\t'))) {
        if (*rest == L'"') quoted = !quoted;
        rest++;
    }
    swprintf(line, 65536, L"\"%ls\"%ls", python, rest);

    HANDLE job = CreateJobObjectW(NULL, NULL);
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION info;
    DWORD rc;
    if (!job || !QueryInformationJobObject(job, JobObjectExtendedLimitInformation, &info, sizeof info, &rc))
        fail(101, L"Job information querying failed", L"");
    info.BasicLimitInformation.LimitFlags |=
        JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    if (!SetInformationJobObject(job, JobObjectExtendedLimitInformation, &info, sizeof info))
        fail(101, L"Job information setting failed", L"");
    STARTUPINFOW si;
    PROCESS_INFORMATION pi;
    memset(&si, 0, sizeof si);
    GetStartupInfoW(&si);
    si.hStdInput = twin(STD_INPUT_HANDLE);
    si.hStdOutput = twin(STD_OUTPUT_HANDLE);
    si.hStdError = twin(STD_ERROR_HANDLE);
    si.dwFlags = STARTF_USESTDHANDLES;
    SetConsoleCtrlHandler(ignore, TRUE);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &si, &pi))
        fail(101, L"Unable to create process using", line);
    AssignProcessToJobObject(job, pi.hProcess);
    CloseHandle(pi.hThread);
    WaitForSingleObjectEx(pi.hProcess, INFINITE, FALSE);
    if (!GetExitCodeProcess(pi.hProcess, &rc)) fail(101, L"Failed to get exit code of process", L"");
    ExitProcess(rc);
}
C
cat >"$build/python.manifest" <<'XML'
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1"><application>
    <supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/>
  </application></compatibility>
  <application xmlns="urn:schemas-microsoft-com:asm.v3"><windowsSettings>
    <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
  </windowsSettings></application>
</assembly>
XML
echo '1 24 "python.manifest"' >"$build/python.rc"
cc=x86_64-w64-mingw32-gcc
if [ ! -f "$PY/python.exe" ]; then
    (cd "$build" && x86_64-w64-mingw32-windres python.rc -O coff -o res.o)
    $cc -O2 -municode -o "$PY/python.exe" "$build/python.c" "$build/res.o" "$PY/python$NN.dll"
    $cc -O2 -municode -mwindows -o "$PY/pythonw.exe" "$build/python.c" "$build/res.o" "$PY/python$NN.dll"
fi
nt=$PY/Lib/venv/scripts/nt
if [ ! -f "$nt/python.exe" ]; then
    mkdir -p "$nt"
    $cc -O2 -municode -o "$nt/python.exe" "$build/venvlauncher.c" "$build/res.o"
    $cc -O2 -municode -mwindows -o "$nt/pythonw.exe" "$build/venvlauncher.c" "$build/res.o"
    # 3.13 leur a donné ces noms.
    cp "$nt/python.exe" "$nt/venvlauncher.exe"
    cp "$nt/pythonw.exe" "$nt/venvwlauncher.exe"
    printf '@set "VIRTUAL_ENV=__VENV_DIR__"\r\n@set "PATH=%%VIRTUAL_ENV%%\\__VENV_BIN_NAME__;%%PATH%%"\r\n' >"$nt/activate.bat"
fi
if [ ! -f "$PY/python3.dll" ]; then
    {
        echo "LIBRARY python3.dll"
        echo EXPORTS
        LC_ALL=C x86_64-w64-mingw32-objdump -p "$PY/python$NN.dll" |
            awk '/^\[Ordinal\/Name Pointer\] Table/ {on=1; next} NF==0 {on=0} on {print $NF}' |
            grep -E '^_?Py' | sed "s/.*/  & = python$NN.&/"
    } >"$build/python3.def"
    echo 'int DllMain(void *a, unsigned b, void *c) { (void)a; (void)b; (void)c; return 1; }' >"$build/empty.c"
    $cc -shared -nostdlib -e DllMain -o "$PY/python3.dll" "$build/empty.c" "$build/python3.def"
fi

# 6. De quoi lancer un programme dans l'environnement d'un apprenant : rien de cette machine, sauf ses
# certificats et le réseau.
cat >"$WIN/win.sh" <<'RUN'
#!/bin/bash
# Lance un programme pour Windows, dans l'environnement d'un apprenant français.
#   win.sh PROGRAMME ARGUMENTS…    (« python » est C:\Python311\python.exe ; PYTHON_NN=312 en prend un autre)
WIN=${WIN:-/tmp/win}
program=$1; shift
[ "$program" = python ] && program="C:\\Python${PYTHON_NN:-311}\\python.exe"
# Un fichier de Linux ouvert en écriture seule n'est pas une sortie que Wine sache rendre à CPython : un
# tube, si.
[ -f /dev/stdout ] && exec > >(cat)
[ -f /dev/stderr ] && exec 2> >(cat >&2)
cert='Z:\etc\ssl\certs\ca-certificates.crt'
exec nice -n 10 env -i HOME="$WIN/home" PATH=/usr/bin:/bin LC_ALL=fr_FR.UTF-8 LANG=fr_FR.UTF-8 TERM="${TERM:-xterm}" \
    ${DISPLAY:+DISPLAY=$DISPLAY} WINEPREFIX="${WINEPREFIX:-$WIN/prefix}" WINEARCH=win64 \
    WINEDEBUG="${WINEDEBUG:--all}" WINEDLLOVERRIDES='mscoree=;mshtml=' \
    WINEPATH="C:\\Python${PYTHON_NN:-311};C:\\Python${PYTHON_NN:-311}\\Scripts" \
    PIP_CERT="$cert" SSL_CERT_FILE="$cert" PIP_NO_CACHE_DIR=1 PIP_DEFAULT_TIMEOUT=180 \
    "${EXTRA[@]}" wine "$program" "$@"
RUN
chmod +x "$WIN/win.sh"

# 7. pip, de la roue qui vient avec Python.
if [ ! -d "$PY/Lib/site-packages/pip" ]; then
    "$WIN/win.sh" 'C:\Python'$NN'\python.exe' -m ensurepip --default-pip 2>&1 | tail -1
fi
# 8. La bibliothèque, compilée : le moteur défend à ses processus d'écrire des .pyc, et chacun la
# compilerait.
if [ ! -f "$PY/Lib/__pycache__/compiled" ]; then
    "$WIN/win.sh" 'C:\Python'$NN'\python.exe' -m compileall -q -j 0 'C:\Python'$NN'\Lib' >/dev/null 2>&1 || true
    touch "$PY/Lib/__pycache__/compiled"
fi

# 9. Un réseau à part, pour ce qui relance un serveur sur le même port.
cat >"$WIN/netns.sh" <<'RUN'
#!/bin/bash
# Lance une commande dans un réseau à elle, qui n'a que la boucle locale. Windows laisse un serveur
# prendre un port qui vient de servir ; sous Linux, Wine non (WinError 10048). wineserver, qui ouvre les
# prises, doit naître dans ce réseau : celui qui tourne est d'abord arrêté, et de nouveau à la fin.
#   netns.sh win.sh python …
export WINEPREFIX=${WINEPREFIX:-${WIN:-/tmp/win}/prefix}
WINEDEBUG=-all wineserver -k 2>/dev/null; sleep 1
exec unshare -n bash -c 'ip link set lo up && sysctl -qw net.ipv4.tcp_max_tw_buckets=0
"$@"; r=$?; WINEDEBUG=-all wineserver -k; exit $r' netns "$@"
RUN
chmod +x "$WIN/netns.sh"
"$WIN/win.sh" 'C:\Python'$NN'\python.exe' -c 'import sys; print(sys.version, sys.getwindowsversion())'
