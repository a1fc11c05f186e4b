/** Says `platform` in answers of an API that asks for the platform's sign-in: a page that a session signs in cannot tell otherwise. */
export const signInHeader = "drayage-sign-in";
