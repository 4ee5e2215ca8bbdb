/* Everything is defined above; here it begins. */
restoreDrafts();
hushLogs();
document.querySelectorAll(".log").forEach(followLog);
document.querySelectorAll("[data-phrase]").forEach((field) => field.value !== "" && showMatch(field));
nextTick();
connect();
