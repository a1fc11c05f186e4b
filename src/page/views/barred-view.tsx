import { useServices } from "../services.ts";

/** Says that something before the service lets nobody in from here: there is no key that would help. */
export function BarredView() {
  const { poller } = useServices();
  return (
    <section class="card narrow" role="alert">
      <h1>Access refused</h1>
      <p>
        Something before the service answers 403: the app is closed to the network that you are in, or its sign-in does
        not let your account in. The operator of the app can say which; a function key does not help.
      </p>
      <button type="button" onClick={() => poller.refresh()}>
        Try again
      </button>
    </section>
  );
}
