/* Wine 8 (Debian 12) lacks this library, of which Go's runtime needs one function. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG size); /* advapi32: random bytes */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
	const ULONG most = 1 << 20;
	while (size > 0) {
		ULONG n = size < most ? (ULONG)size : most;
		if (!SystemFunction036(data, n)) return FALSE;
		data += n;
		size -= n;
	}
	return TRUE;
}
