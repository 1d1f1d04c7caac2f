/* Does what Wireshark does for a capture source: makes the named pipe of its first argument, says so, waits for one who
   opens it, and copies what comes to standard output. */
#include <stdio.h>
#include <windows.h>

int main(int count, char **arguments) {
    if (count != 2) return 2;
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE), errors = GetStdHandle(STD_ERROR_HANDLE);
    HANDLE pipe = CreateNamedPipeA(arguments[1], PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE | PIPE_WAIT, 1, 65536, 65536, 0, NULL);
    DWORD read, written;
    char octets[65536];
    if (pipe == INVALID_HANDLE_VALUE) return 3;
    WriteFile(errors, "ready\n", 6, &written, NULL);
    if (!ConnectNamedPipe(pipe, NULL) && GetLastError() != ERROR_PIPE_CONNECTED) return 4;
    while (ReadFile(pipe, octets, sizeof octets, &read, NULL) && read > 0)
        if (!WriteFile(out, octets, read, &written, NULL)) return 5;
    return 0;
}
