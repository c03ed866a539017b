/**
 * Loads the view when the frame is first seen, and shows it the last answer and all that follow.
 * A frame that is never seen, which is the usual one, never loads it.
 */
export function showWhenVisible<Answer>(
  root: Element,
  load: () => Promise<(answer: Answer) => void>,
): (answer: Answer) => void {
  let show: ((answer: Answer) => void) | undefined;
  let showLatest: (() => void) | undefined;
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    load().then((loaded) => {
      show = loaded;
      showLatest?.();
    }, reportError);
  });
  observer.observe(root);
  return (answer) => {
    showLatest = () => show?.(answer);
    showLatest();
  };
}
