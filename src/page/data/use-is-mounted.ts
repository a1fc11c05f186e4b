import { useEffect, useRef } from "preact/hooks";

/** Whether the component is still on screen: what comes back late must not lead a reader away who has gone elsewhere. */
export function useIsMounted(): () => boolean {
  const isMounted = useRef(true);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  return () => isMounted.current;
}
