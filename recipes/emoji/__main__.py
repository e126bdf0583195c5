from recipes.emoji.packages import main

if __name__ == "__main__":
    main()
