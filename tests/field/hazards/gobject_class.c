/* GObject initialises a class under one lock of the process. A thread is inside of the initialisation of one
 * class while main forks; the child needs another class. */
#include <glib-object.h>
#include "inside.h"

static GType slow, quick;

static void slow_class_init(gpointer class, gpointer unused)
{
	(void)class;
	(void)unused;
	stay_inside();
}

static void make_slow(void)
{
	g_type_class_ref(slow);
}

static void make_quick(void)
{
	g_type_class_ref(quick);
}

int main(void)
{
	slow = g_type_register_static_simple(G_TYPE_OBJECT, "Slow", sizeof(GObjectClass), slow_class_init,
	                                     sizeof(GObject), NULL, 0);
	quick = g_type_register_static_simple(G_TYPE_OBJECT, "Quick", sizeof(GObjectClass), NULL,
	                                      sizeof(GObject), NULL, 0);
	fork_beside(make_slow, make_quick);
	return 0;
}
