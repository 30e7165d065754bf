import { signOut } from "./actions";
import { loadTasks } from "./api";
import { AddTask, SignIn, TaskItem } from "./forms";

export default async function Page() {
  const tasks = await loadTasks();
  if (tasks === null) return <SignIn />;
  return (
    <>
      <AddTask idempotencyKey={crypto.randomUUID()} />
      {tasks.length === 0 ? (
        <p>Nothing to do.</p>
      ) : (
        <ul>
          {tasks.map((task) => (
            <TaskItem key={task.id} task={task} />
          ))}
        </ul>
      )}
      <form action={signOut}>
        <button>Sign out</button>
      </form>
    </>
  );
}
