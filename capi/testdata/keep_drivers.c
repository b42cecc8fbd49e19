/* Linked into programs with AddressSanitizer: keeps drivers loaded, so that a leak
 * of theirs is known by their name and can be told from one of ours. */
int dlclose(void *library);
int dlclose(void *library) {
	(void)library;
	return 0;
}
