/* A short tone and a buzz, for those who asked for it in their account: something waits for you, an update is overdue. */
function alertPerson() {
  if (told.sound !== "on") return;
  navigator.vibrate?.([120, 80, 120]);
  try {
    const sound = new AudioContext();
    const tone = sound.createOscillator();
    const quiet = new GainNode(sound, { gain: 0.15 });
    tone.frequency.value = 660;
    tone.connect(quiet).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.25);
    tone.onended = () => sound.close();
  } catch {
    // A browser without sound stays silent; the words are on the page.
  }
}
