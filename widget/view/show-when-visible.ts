/**
 * Loads the view when the frame first becomes visible, then shows the last settlement and every later one.
 * Most frames stay hidden and never load the view.
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
