/* Runs the program of its arguments to its end and ends as it did. Wine now and then ends a program that has threads by a
   signal as it exits, so that its exit code is lost to whoever started it; what Windows' own functions say of it is right, and
   this program has no threads. */
#include <windows.h>

int main(void) {
    STARTUPINFOW start = {sizeof start};
    PROCESS_INFORMATION process;
    DWORD code;
    WCHAR *rest = GetCommandLineW(), end = *rest == '"' ? '"' : ' ';
    /* Behind the name of this program. */
    if (end == '"') rest++;
    while (*rest && *rest != end) rest++;
    if (end == '"' && *rest) rest++;
    while (*rest == ' ') rest++;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(NULL, rest, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) return 120;
    WaitForSingleObject(process.hProcess, INFINITE);
    return GetExitCodeProcess(process.hProcess, &code) ? (int)code : 121;
}
