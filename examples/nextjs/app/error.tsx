"use client";

/** Shown while the service cannot be reached. */
export default function ErrorPage() {
  return (
    <>
      <p role="alert">The tasks cannot be loaded at the moment.</p>
      <button onClick={() => location.reload()}>Try again</button>
    </>
  );
}
