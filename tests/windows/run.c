/* Runs the program of its arguments to its end and ends as it did. Wine now and then ends a program that has threads by a
   signal as it exits, so that its exit code is lost to whoever started it; what Windows' own functions say of it is right, and
   this program has no threads. Once in some thousands of times wine does not start a program at all: then it is tried again. */
#include <stdio.h>
#include <windows.h>

int main(void) {
    STARTUPINFOW start = {sizeof start};
    PROCESS_INFORMATION process;
    DWORD code;
    WCHAR *rest = GetCommandLineW(), end = *rest == '"' ? '"' : ' ';
    int tries = 5;
    /* Behind the name of this program. */
    if (end == '"') rest++;
    while (*rest && *rest != end) rest++;
    if (end == '"' && *rest) rest++;
    while (*rest == ' ') rest++;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    while (!CreateProcessW(NULL, rest, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) {
        DWORD error = GetLastError();
        if (--tries == 0) {
            fprintf(stderr, "run.exe: the program does not start: error %lu of Windows\n", error);
            return 120;
        }
        Sleep(200);
    }
    WaitForSingleObject(process.hProcess, INFINITE);
    return GetExitCodeProcess(process.hProcess, &code) ? (int)code : 121;
}
